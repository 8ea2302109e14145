//! `tollgate sandbox` as somebody uses it who integrates with a provider: the real program, called
//! raw, with signatures made here.

mod gateway;
mod merchant;
mod program;
mod wechat_pay;

pub use program::Sandbox;
