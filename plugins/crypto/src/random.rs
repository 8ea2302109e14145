//! Unpredictable bytes.

/// Fills the buffer from the operating system's generator, through aws-lc.
///
/// # Panics
/// If the operating system has no randomness to give: nothing safe can be done then.
pub fn fill(buffer: &mut [u8]) {
    #[expect(
        clippy::expect_used,
        reason = "without randomness every further step would be unsafe"
    )]
    aws_lc_rs::rand::fill(buffer).expect("the system's random number generator works");
}
