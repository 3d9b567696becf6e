//! `encbox man`: the manual, made from the same definitions as `--help`.

use super::{Cli, Error};
use clap::CommandFactory;
use std::io;
use std::path::PathBuf;

/// Print the manual page, or write a page for every command
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    encbox man | man -l -\n  \
    encbox man --dir ~/.local/share/man/man1")]
pub(super) struct Man {
    /// Write encbox.1, encbox-ls.1 and so on into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self) -> Result<(), Error> {
        match &self.dir {
            Some(dir) => std::fs::create_dir_all(dir)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
                .map_err(Error::local("write", dir)),
            None => clap_mangen::Man::new(Cli::command()).render(&mut io::stdout()).map_err(Error::Output),
        }
    }
}
