//! `encbox key`: the volume key on paper.

use super::open::{VolumeArgs, find};
use super::out::Out;
use super::{Error, Global, exit, words};
use crate::crypto::VolumeKey;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use std::io::{self, BufRead, IsTerminal};
use zeroize::Zeroizing;

/// What a terminal takes for colours (ECMA-48).
const WHITE_ON_BLACK: &str = "\x1b[97;40m";
const AS_BEFORE: &str = "\x1b[0m";
/// Words in a line.
const IN_A_LINE: usize = 6;

/// Show the key of a volume, to be written down
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The key opens the volume without its config file and without its password, now and after every change of the password: \
`encbox recover-key`. It is what a lost or damaged config file takes with it. On paper, in a safe place, it is a backup; \
anywhere else it is a risk, for it can never be changed: whoever has seen it can read the volume for ever.\n\n\
It is shown as words of the list of BIP-39, with a checksum, and as a QR code that holds the same words. On a terminal \
it is shown once you have said yes; --yes says it beforehand.\n\n\
Example:\n  encbox key --show ~/Dropbox/Private")]
pub(super) struct Key {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Show it
    #[arg(long, required = true)]
    show: bool,
    /// Do not ask whether to show it
    #[arg(long)]
    yes: bool,
    /// Without the QR code
    #[arg(long)]
    no_qr: bool,
}

impl Key {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let found = find(global, &self.volume.volume)?;
        self.warn()?;
        let key = self.volume.key(global, &found)?;
        let text = words_of(&key)?;
        let mut out = Out::new();
        let all: Vec<&str> = text.split(' ').collect();
        for (line, words) in all.chunks(IN_A_LINE).enumerate() {
            let numbered = |(at, word): (usize, &&str)| format!("{:>2} {word:<9}", line * IN_A_LINE + at + 1);
            let words: Zeroizing<String> = Zeroizing::new(words.iter().enumerate().map(numbered).collect());
            out.line(words.trim_end())?;
        }
        if !self.no_qr {
            out.line("")?;
            out.line(&qr_code(&text)?)?;
        }
        out.end()
    }

    /// Says what is about to be shown, and asks.
    fn warn(&self) -> Result<(), Error> {
        exit::tell(
            "warning: whoever sees the key can read and change this volume, now and later, whatever its password: it \
             cannot be changed. Look who is behind you, and where this screen goes.",
        );
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(Error::Usage("nobody is there to say that the key may be shown: --yes".into()));
        }
        exit::tell("Show it? [yes/no]");
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(Error::Output)?;
        match answer.trim() {
            "yes" => Ok(()),
            _ => Err(Error::Usage("it was not shown; `yes` would have done it".into())),
        }
    }
}

fn words_of(key: &VolumeKey) -> Result<Zeroizing<String>, Error> {
    let key = key.joined();
    if key.is_empty() {
        return Err(Error::Usage("this volume has no key: nothing in it is encrypted".into()));
    }
    Ok(words::words_of(&key))
}

/// The words in capitals, which take less room. On paper the dark is drawn, on a terminal the light, in colours that do not
/// depend on those of the terminal.
fn qr_code(words: &str) -> Result<Zeroizing<String>, Error> {
    let words = Zeroizing::new(words.to_ascii_uppercase());
    let code = QrCode::with_error_correction_level(words.as_bytes(), EcLevel::M);
    let code = code.map_err(|error| Error::Usage(format!("no QR code: {error}; --no-qr leaves it out")))?;
    if !io::stdout().is_terminal() {
        return Ok(Zeroizing::new(code.render::<Dense1x2>().build()));
    }
    let mut renderer = code.render::<Dense1x2>();
    let drawn = renderer.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    let drawn = Zeroizing::new(drawn);
    let lines: Vec<String> = drawn.lines().map(|line| format!("{WHITE_ON_BLACK}{line}{AS_BEFORE}")).collect();
    Ok(Zeroizing::new(lines.join("\n")))
}
