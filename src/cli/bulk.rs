//! What `export` and `import` have in common on a command line.

/// What to do about obstacles, and how to report.
#[derive(Debug, clap::Args)]
pub(super) struct BulkOptions {
    /// Replace files that exist
    #[arg(short, long)]
    pub(super) force: bool,
    /// Go on where an earlier one ended: pass over files that have the right size and time (to the nanosecond)
    #[arg(long)]
    pub(super) resume: bool,
    /// Stop at the first item that fails, rather than leave it out and go on
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Report progress and result as JSON, a line each
    #[arg(long)]
    pub(super) json: bool,
}
