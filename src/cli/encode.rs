//! `encbox encode`: what a path is called in the encrypted folder.

use super::open::{VolumeArgs, plain_paths};
use super::out::{Out, put_name};
use super::{Error, Global, text};
use serde_json::json;
use std::ffi::OsString;

/// Show what paths are called in the encrypted folder
#[derive(Debug, clap::Args)]
#[command(after_long_help = "The paths need not exist.\n\nExample:\n  \
    encbox encode ~/Dropbox/Private /Letters/bank.odt")]
pub(super) struct Encode {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Paths in the volume
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<OsString>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Encode {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let paths = plain_paths(&self.paths)?;
        let volume = self.volume.read_only(global)?;
        let mut out = Out::new();
        let mut pairs = Vec::new();
        for path in &paths {
            let encoded = volume.encode_path(path).map_err(Error::at(path))?;
            if self.json {
                let mut pair = json!({});
                put_name(&mut pair, "plain", &text::path(path));
                put_name(&mut pair, "encrypted", encoded.as_os_str());
                pairs.push(pair);
            } else {
                out.name(encoded.as_os_str())?;
                out.line("")?;
            }
        }
        if self.json {
            out.json(&pairs)?;
        }
        out.end()
    }
}
