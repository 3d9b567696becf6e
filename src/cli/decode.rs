//! `encbox decode`: what an encrypted name stands for.

use super::open::VolumeArgs;
use super::out::{Out, put_name};
use super::{Error, Global, text};
use serde_json::json;
use std::path::PathBuf;

/// Show what encrypted paths stand for
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "The names are paths in the encrypted folder, and need not exist. Those that begin \
    with - go after --.\n\nExample:\n  \
    encbox decode ~/Dropbox/Private -- q3TxV,o6-7/7YbFz0"
)]
pub(super) struct Decode {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Encrypted paths, from the folder of the volume
    #[arg(required = true, value_name = "NAME")]
    names: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Decode {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let volume = self.volume.read_only(global)?;
        let mut out = Out::new();
        let mut pairs = Vec::new();
        for name in &self.names {
            let relative = name.strip_prefix(volume.root_path()).unwrap_or(name);
            let path = text::path(&volume.decode_path(relative).map_err(Error::Volume)?);
            if self.json {
                let mut pair = json!({});
                put_name(&mut pair, "encrypted", name.as_os_str());
                put_name(&mut pair, "plain", &path);
                pairs.push(pair);
            } else {
                out.name(&path)?;
                out.line("")?;
            }
        }
        if self.json {
            out.json(&pairs)?;
        }
        out.end()
    }
}
