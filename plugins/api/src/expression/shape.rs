//! Which parts of a value an expression looks at, so that nothing else is converted.

/// A tree of field names. A node without `all` and without children is only asked whether it is
/// there.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    all: bool,
    children: Vec<(String, Shape)>,
}

impl Shape {
    /// Adds a path. `whole`: the value at its end is read, not only looked for.
    pub(super) fn add(&mut self, path: &[String], whole: bool) {
        let Some((first, rest)) = path.split_first() else {
            self.all |= whole;
            return;
        };
        if let Some((_, child)) = self.children.iter_mut().find(|(name, _)| name == first) {
            child.add(rest, whole);
            return;
        }
        let mut child = Self::default();
        child.add(rest, whole);
        self.children.push((first.clone(), child));
    }

    /// Whether all of the value is looked at.
    pub(super) fn is_all(&self) -> bool {
        self.all
    }

    /// The fields that are looked at, if not all are.
    pub(super) fn children(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.children.iter().map(|(name, child)| (name.as_str(), child))
    }

    /// Whether the value is only asked whether it is there.
    pub(super) fn is_presence(&self) -> bool {
        !self.all && self.children.is_empty()
    }
}
