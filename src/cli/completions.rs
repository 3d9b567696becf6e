//! `encbox completions`: what a shell needs to complete our command lines.

use super::{Cli, Error};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::{self, Write};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  \
    encbox completions bash > ~/.local/share/bash-completion/completions/encbox")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<(), Error> {
        // Written to memory first: the generator panics where writing fails.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "encbox", &mut script);
        io::stdout().write_all(&script).map_err(Error::Output)
    }
}
