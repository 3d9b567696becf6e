//! Faults of the volume as errno: the one place where that is decided.

use crate::names;
use crate::volume::Error;
use crate::volume::Fault;
use fuser::Errno;
use tracing::warn;

impl From<Error> for Errno {
    fn from(error: Error) -> Errno {
        if let Fault::Content(_) = error.fault {
            // a program shows its user no more than "input/output error"
            warn!("{error}");
        }
        errno(&error.fault)
    }
}

fn errno(fault: &Fault) -> Errno {
    match fault {
        Fault::Sys(errno) => Errno::from_i32(errno.raw_os_error()),
        Fault::Name(names::Error::TooLong { .. }) => Errno::ENAMETOOLONG,
        Fault::Name(names::Error::Impossible | names::Error::UnknownCoding(_)) => Errno::EINVAL,
        // a link target: entries whose name does not decode are not shown at all
        Fault::Name(names::Error::Undecodable(_)) => Errno::EIO,
        Fault::Content(_) => Errno::EIO,
        Fault::IsADirectory => Errno::EISDIR,
        Fault::NotADirectory => Errno::ENOTDIR,
        Fault::NotAFile => Errno::EINVAL,
        Fault::HardLink => Errno::EPERM,
        Fault::Outside => Errno::EXDEV,
        Fault::LinkLoop => Errno::ELOOP,
        Fault::ReadOnly => Errno::EROFS,
        Fault::Reserved => Errno::EPERM,
        Fault::Access => Errno::EBADF,
        Fault::TooLarge => Errno::EFBIG,
        Fault::Stale => Errno::ESTALE,
    }
}

/// Whether the fault says that there is nothing under this name (any more).
pub(super) fn is_gone(error: &Error) -> bool {
    use rustix::io::Errno as Sys;
    matches!(
        error.fault,
        Fault::Sys(Sys::NOENT | Sys::NOTDIR | Sys::STALE) | Fault::NotADirectory | Fault::Stale
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content;
    use std::path::PathBuf;

    fn error(fault: Fault) -> Error {
        Error { verb: "reading", path: PathBuf::from("q3T,x"), fault }
    }

    #[test]
    fn the_system_keeps_its_own_numbers() {
        assert_eq!(errno(&Fault::Sys(rustix::io::Errno::NOSPC)), Errno::ENOSPC);
        assert_eq!(errno(&Fault::Sys(rustix::io::Errno::ACCESS)), Errno::EACCES);
    }

    #[test]
    fn damage_is_an_input_output_error() {
        assert_eq!(Errno::from(error(Fault::Content(content::Error::Mac { block: 7 }))), Errno::EIO);
        assert_eq!(Errno::from(error(Fault::Content(content::Error::HeaderZero))), Errno::EIO);
    }

    #[test]
    fn a_name_that_does_not_fit_is_told_from_one_that_cannot_be() {
        assert_eq!(errno(&names::Error::TooLong { len: 200, max: 175 }.into()), Errno::ENAMETOOLONG);
        assert_eq!(errno(&names::Error::Impossible.into()), Errno::EINVAL);
    }

    #[test]
    fn gone_is_not_forbidden() {
        assert!(is_gone(&error(Fault::Sys(rustix::io::Errno::NOENT))));
        assert!(is_gone(&error(Fault::Stale)));
        assert!(!is_gone(&error(Fault::Sys(rustix::io::Errno::ACCESS))));
    }
}
