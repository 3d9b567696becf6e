//! `encfsctl decode`, `encode` and `showKey`.

use super::encfsctl::{open_volume, print, volume_key};
use super::passwords::Passwords;
use super::{Ended, encfsctl, say};
use crate::cli::Error;
use crate::names::six_bit_text;
use crate::volume::{PlainPath, Volume};
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// One line for each name. As with EncFS the line is empty where a name stands for nothing, and the code is 0.
pub(super) fn decode(arguments: &[OsString]) -> Result<(), Ended> {
    each_name(arguments, |volume, name| {
        let decoded = volume.decode_path(Path::new(name.trim_root())).map_err(Error::Volume)?;
        Ok(decoded.to_path().into_os_string())
    })
}

/// The same the other way.
pub(super) fn encode(arguments: &[OsString]) -> Result<(), Ended> {
    each_name(arguments, |volume, name| {
        let path = PlainPath::parse(name).ok_or_else(|| Error::Outside(name.to_owned()))?;
        Ok(volume.encode_path(&path).map_err(Error::at(&path))?.into_os_string())
    })
}

/// A slash at the end stays there, for rsync(1) and its kind.
fn each_name(
    arguments: &[OsString],
    recode: impl Fn(&Volume, &OsStr) -> Result<OsString, Error>,
) -> Result<(), Ended> {
    let (volume, operands) = open_volume(arguments)?;
    let one = |name: &OsStr| {
        let recoded = recode(&volume, name);
        let mut line = recoded.unwrap_or_else(|error| {
            say::report("encfsctl", &error);
            OsString::new()
        });
        if name.as_bytes().ends_with(b"/") && !line.is_empty() {
            line.push("/");
        }
        print(&line)
    };
    if !operands.is_empty() {
        return operands.iter().try_for_each(|name| one(name));
    }
    for line in io::stdin().lock().split(b'\n') {
        let line = line.map_err(|error| say::fail(&format!("encfsctl: standard input: {error}")))?;
        one(&OsString::from_vec(line))?;
    }
    Ok(())
}

/// A path from the root of a volume may begin with a slash.
trait TrimRoot {
    fn trim_root(&self) -> &OsStr;
}

impl TrimRoot for OsStr {
    fn trim_root(&self) -> &OsStr {
        let start = self.as_bytes().iter().take_while(|&&byte| byte == b'/').count();
        OsStr::from_bytes(&self.as_bytes()[start..])
    }
}

/// The volume key, wrapped with itself, in the letters of names.
pub(super) fn show_key(arguments: &[OsString]) -> Result<(), Ended> {
    let root = Path::new(&arguments[0]);
    let found = encfsctl::find(root)?;
    let secret = Passwords::default().read(root, false)?;
    let key = volume_key(root, &found, &secret).map_err(|error| say::report("encfsctl", &error))?;
    let wrapped = found.config.wrapped_in_itself(&key).map_err(Error::Parameters);
    let wrapped = wrapped.map_err(|error| say::report("encfsctl", &error))?;
    print(OsStr::new(&six_bit_text(&wrapped)))
}
