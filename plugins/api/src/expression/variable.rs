//! The names an expression may use, and who supplies their values.

use super::data::Data;

/// The first part of a name.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Root {
    /// `request`
    Request,
    /// `body`
    Body,
    /// `identity`
    Identity,
    /// `client`
    Client,
    /// `listener`
    Listener,
    /// `route`
    Route,
    /// `answer`, where there is one: see [`Scope`].
    Answer,
}

/// What an expression may name.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Scope {
    /// Everything that is known of a request.
    #[default]
    Request,
    /// The provider's `answer` too.
    Answer,
}

/// What an expression can name: a root, or a field of one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Variable {
    /// `request.method`: text.
    Method,
    /// `request.scheme`: `https` or `http`.
    Scheme,
    /// `request.host`: text, without port.
    Host,
    /// `request.path`: text, canonical, percent-encoded.
    Path,
    /// `request.query`: a map; see [`Data::query`].
    Query,
    /// `request.headers`: a map by lower-case name; see [`Data::Headers`].
    Headers,
    /// `request.params`: a map of the route template's parameters.
    Params,
    /// `body`: a held JSON body.
    Body,
    /// `identity.subject`: text.
    Subject,
    /// `identity.client_id`: text.
    ClientId,
    /// `identity.scopes`: a list of texts.
    Scopes,
    /// `identity.claims`: a map.
    Claims,
    /// `client.address`: text.
    Address,
    /// `listener`: its name.
    Listener,
    /// `route`: its name.
    Route,
    /// `answer.status`: an int.
    AnswerStatus,
    /// `answer.headers`: a map by lower-case name; see [`Data::Headers`].
    AnswerHeaders,
    /// `answer.body`: a held JSON body.
    AnswerBody,
}

/// Supplies values to an expression that runs.
pub trait Variables {
    /// The value of one variable; `None` if there is none, which makes it a missing field. Asked
    /// at most once per run, and only for variables that the expression names.
    fn resolve(&self, variable: Variable) -> Option<Data<'_>>;
}

impl Root {
    /// Every root.
    pub const ALL: [Self; 7] = [
        Self::Request,
        Self::Body,
        Self::Identity,
        Self::Client,
        Self::Listener,
        Self::Route,
        Self::Answer,
    ];

    /// As expressions write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Body => "body",
            Self::Identity => "identity",
            Self::Client => "client",
            Self::Listener => "listener",
            Self::Route => "route",
            Self::Answer => "answer",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|root| root.name() == name)
    }

    /// The fields of a root that is a group; nothing for one that is a value itself.
    pub(super) const fn fields(self) -> &'static [(&'static str, Variable)] {
        match self {
            Self::Request => &[
                ("method", Variable::Method),
                ("scheme", Variable::Scheme),
                ("host", Variable::Host),
                ("path", Variable::Path),
                ("query", Variable::Query),
                ("headers", Variable::Headers),
                ("params", Variable::Params),
            ],
            Self::Identity => &[
                ("subject", Variable::Subject),
                ("client_id", Variable::ClientId),
                ("scopes", Variable::Scopes),
                ("claims", Variable::Claims),
            ],
            Self::Client => &[("address", Variable::Address)],
            Self::Answer => &[
                ("status", Variable::AnswerStatus),
                ("headers", Variable::AnswerHeaders),
                ("body", Variable::AnswerBody),
            ],
            Self::Body | Self::Listener | Self::Route => &[],
        }
    }
}

impl Variable {
    /// The root it belongs to.
    pub const fn root(self) -> Root {
        match self {
            Self::Method
            | Self::Scheme
            | Self::Host
            | Self::Path
            | Self::Query
            | Self::Headers
            | Self::Params => Root::Request,
            Self::Body => Root::Body,
            Self::Subject | Self::ClientId | Self::Scopes | Self::Claims => Root::Identity,
            Self::Address => Root::Client,
            Self::Listener => Root::Listener,
            Self::Route => Root::Route,
            Self::AnswerStatus | Self::AnswerHeaders | Self::AnswerBody => Root::Answer,
        }
    }

    /// The name of the field within its root; empty if the variable is the root itself.
    pub(super) fn field(self) -> &'static str {
        let of_root = self.root().fields().iter().find(|(_, variable)| *variable == self);
        of_root.map_or("", |(name, _)| name)
    }

    /// Whether its fields are header fields.
    pub(super) const fn is_headers(self) -> bool {
        matches!(self, Self::Headers | Self::AnswerHeaders)
    }

    /// Whether it can have fields of its own.
    pub(super) const fn is_map(self) -> bool {
        matches!(
            self,
            Self::Query
                | Self::Headers
                | Self::Params
                | Self::Body
                | Self::Claims
                | Self::AnswerHeaders
                | Self::AnswerBody
        )
    }
}
