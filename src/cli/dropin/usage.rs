//! What `encfs` says about itself.

use super::{ENCFS_VERSION, Ended, FAILED, say};

const OPTIONS: &str = "\
Usage: encfs [options] rootDir mountPoint [-- [FUSE Mount Options]]

Common Options:
  -H, --fuse-help\t\tlist the mount options that -o takes
  -s\t\t\tserve with one thread
  -f\t\t\tstay in the foreground
  -v, --verbose\t\tlog what happens to standard error
  -i, --idle=MINUTES\tunmount when nothing was used for so long
  -S, --stdinpass\tread the password from standard input
  --extpass=program\ttake the password from the output of a program
  --standard\t\tnew volumes: take the standard configuration
  --paranoia\t\tnew volumes: take the paranoia configuration
  --annotate\t\tannounce questions on standard error
  --anykey\t\tdo not check the password
  --forcedecode\t\tread damaged blocks of files with MACs, too
  --require-macs\trefuse volumes without MACs; make new ones with them
  --insecure\t\tallow volumes whose contents are not encrypted
  --public\t\tlet other users in (root only)
  --nocache, --noattrcache, --nodatacache
\t\t\tlet the kernel keep neither attributes nor data
  -o OPTIONS\t\tmount options
  -c, --config=path\ttake the config file from there
  -u, --unmount\t\tunmount mountPoint

Example, to mount at ~/crypt with raw storage in ~/.crypt :
    encfs ~/.crypt ~/crypt

This is encbox in the place of encfs(1): docs/dropin.md says what differs.

";

const FUSE_OPTIONS: &str = "\
encfs [options] rootDir mountPoint -- [FUSE Mount Options]
valid FUSE Mount Options follow:

    -o ro, rw, [no]exec, [no]suid, [no]dev, [no]atime, [a]sync, dirsync
    -o allow_other         let other users in
    -o allow_root          let root in
    -o nonempty            mount over a folder that is not empty
    -o fsname=NAME         what the list of mounts calls the source (encfs)
    -o entry_timeout=T     seconds that the kernel keeps names (1.0)
    -o attr_timeout=T      seconds that the kernel keeps attributes (1.0)
    -o direct_io           do not let the kernel keep contents
    -d, -f, -s             as without -o

Other options of libfuse 2 that tune it are accepted and change nothing.
";

/// To standard error, as EncFS does whenever a command line makes no sense to it; and the end.
pub(super) fn show() -> Ended {
    say::err(&format!("Build: encfs version {ENCFS_VERSION}\n\n{OPTIONS}"));
    FAILED
}

/// `-H`.
pub(super) fn show_fuse_options() {
    say::err(FUSE_OPTIONS);
}

/// `--version`: the one that front ends compare comes first.
pub(super) fn show_version(verbose: bool) {
    say::err(&format!("encfs version {ENCFS_VERSION}\n"));
    if verbose {
        say::err(&format!("Compiled with : HAVE_XATTR\nencbox {}\n", env!("CARGO_PKG_VERSION")));
    }
}
