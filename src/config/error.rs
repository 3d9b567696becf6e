//! Why a config is refused.

/// What is wrong with a config, or with the key in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A field is missing, damaged or absurd.
    #[error("{field}: {problem}")]
    Field {
        /// The element or key, as the file calls it.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The file cannot be read as what its name says: cut off, not XML, with entities declared, and so on.
    #[error("not a readable config file: {0}")]
    Syntax(String),
    /// The file ends before the config does, or in zeros: most likely the rest has not arrived yet.
    #[error("not all of the config file is there: {0}")]
    Unfinished(&'static str),
    /// A real config that asks for something encbox does not have.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// The key checksum does not match: the password is wrong, or the key is damaged.
    #[error("wrong password, or the key in the config file is damaged")]
    Password,
}

impl Error {
    pub(super) fn field(field: &'static str, problem: impl Into<String>) -> Error {
        Error::Field { field, problem: problem.into() }
    }
}
