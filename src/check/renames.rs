//! Names that are wrong: what they were, and the renames that make them so again.

use super::action::{Action, Repair};
use super::places::kind_of;
use super::reencode;
use super::repair::{Planner, Spot, plain_of};
use super::report::Finding;
use super::witness::Witness;
use crate::names::IvChain;
use crate::volume;
use crate::volume::RawDir;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

impl Planner<'_> {
    /// The right spelling, or beside it.
    pub(super) fn alias(&self, finding: &Finding) -> Result<Option<Repair>, volume::Error> {
        let Some(spot) = self.spot(finding)? else { return Ok(None) };
        let Ok(spelling) = self.volume.name_codec().decode_spelling(spot.name, spot.chain) else {
            return Ok(None);
        };
        let what = "another spelling of a name";
        self.rename_here(finding, &spot, &spelling.canonical, &spelling.plain, what, true)
    }

    /// A rename within the directory; beside what has the name already, or aside if that is a file with the same bytes.
    /// Nothing is done where both are names of one and the same file.
    fn rename_here(
        &self,
        finding: &Finding,
        spot: &Spot<'_>,
        to: &[u8],
        plain: &[u8],
        what: &str,
        sure: bool,
    ) -> Result<Option<Repair>, volume::Error> {
        let path = finding.path.clone();
        let repair = |plain: Option<OsString>, what: String, actions: Vec<Action>| {
            let Finding { severity, kind, path, .. } = finding.clone();
            Ok(Some(Repair { severity, kind, path, plain, what, sure, actions }))
        };
        let below = |name: &[u8]| spot.plain_dir.join(OsStr::from_bytes(name)).to_path().into_os_string();
        let Some(there) = spot.dir.stat_if_there(to)? else {
            let what = format!("{what}; it gets its name back");
            return repair(Some(below(plain)), what, vec![rename(&spot.dir, spot.name, to)]);
        };
        let stat = spot.dir.stat(spot.name)?;
        if stat.id == there.id {
            if is_listed(&spot.dir, to)? {
                return Ok(None); // one file by two names
            }
            // the disk takes the two for one name, which cannot take its own place
            let what = format!("{what}; it gets its name back");
            let beside = volume::partial_name().as_bytes().to_vec();
            let steps = [rename(&spot.dir, spot.name, &beside), rename(&spot.dir, &beside, to)];
            return repair(Some(below(plain)), what, steps.into());
        }
        if self.same_file(&spot.dir, spot.name, to)? {
            let what = format!("{what} that is there, with the same contents; it is set aside");
            let aside = Action::SetAside { path, len: stat.cipher_size, mtime: stat.mtime };
            return repair(Some(below(plain)), what, vec![aside]);
        }
        // shown as what a sync client would have set beside it
        let mut number = 1;
        let marked = loop {
            let marked = [to, format!(" (recovered {number})").as_bytes()].concat();
            if spot.dir.stat_if_there(&marked)?.is_none() {
                break marked;
            }
            number += 1;
        };
        let shown = self.volume.name_codec().decode_entry(&marked, spot.chain).ok();
        let plain = shown.map(|(name, _)| below(name.shown()));
        let what =
            format!("{what} that is there, with other contents; it comes beside it as a conflicted copy");
        repair(plain, what, vec![rename(&spot.dir, spot.name, &marked)])
    }

    pub(super) fn undecodable(&self, finding: &Finding) -> Result<Option<Repair>, volume::Error> {
        let Some(spot) = self.spot(finding)? else { return Ok(None) };
        let codec = self.volume.name_codec();
        let chained = self.volume.config().parameters().chained_names;
        if chained
            && let Some(was) = self.places.name_was(codec, spot.name)
            && (was.sure || self.fits(&spot, &was.name, was.below))
        {
            return self.bring_here(finding, &spot, &was.name, was.below, &was.dir.display());
        }
        if let Some(repair) = self.respelled(finding, &spot)? {
            return Ok(Some(repair));
        }
        if chained && kind_of(&spot.dir, spot.name, None) == Some(volume::Kind::Dir) {
            let dir = spot.dir.open_dir(spot.name)?;
            if let Some(below) = self.places.below_was(codec, &dir, spot.chain, self.stopped)?
                && let Some(name) = &below.name
            {
                let repair = self.bring_here(finding, &spot, name, below.chain, &below.from)?;
                return Ok(repair.map(|repair| Repair { sure: below.sure, ..repair }));
            }
        }
        Ok(None)
    }

    /// Whether the contents of a file say that it was written under this chain.
    fn fits(&self, spot: &Spot<'_>, name: &[u8], below: IvChain) -> bool {
        let evidence = || {
            let file = spot.dir.open_file(spot.name, false).ok()?;
            let witness = Witness::of(self.volume, &file, name).ok()??;
            let file_iv = self.volume.decode_header(witness.header, below.path_iv()).ok()?;
            Some(witness.evidence(file_iv))
        };
        self.external && evidence().is_some_and(|bits| bits >= 16.0)
    }

    /// Gives what was written elsewhere the names and headers that it needs here.
    fn bring_here(
        &self,
        finding: &Finding,
        spot: &Spot<'_>,
        name: &[u8],
        below: IvChain,
        from: &str,
    ) -> Result<Option<Repair>, volume::Error> {
        let codec = self.volume.name_codec();
        let mut plain = name.to_vec();
        let mut number = 1;
        let (to, here) = loop {
            let Ok((to, here)) = codec.encode_name(&plain, spot.chain) else { return Ok(None) };
            if to == spot.name || spot.dir.stat_if_there(&to)?.is_none() {
                break (to, here);
            }
            plain = [name, format!(" (recovered {number})").as_bytes()].concat();
            number += 1;
        };
        let mut actions = match kind_of(&spot.dir, spot.name, None) {
            Some(volume::Kind::Dir) => reencode::below(self, &finding.path, below, here)?,
            Some(volume::Kind::File) => {
                let dir = spot.dir.path();
                let (old, new) = (below.path_iv(), here.path_iv());
                Vec::from_iter(reencode::header(self.volume, dir, spot.name, name, old, new)?)
            }
            _ => Vec::new(),
        };
        let names = actions.iter().filter(|action| matches!(action, Action::Rename { .. })).count();
        if to != spot.name {
            actions.push(rename(&spot.dir, spot.name, &to));
        }
        let more = if names > 0 { format!(", with the {names} names below it") } else { String::new() };
        let plain = spot.plain_dir.join(OsStr::from_bytes(&plain)).to_path().into_os_string();
        Ok(Some(Repair {
            severity: finding.severity,
            kind: finding.kind,
            path: finding.path.clone(),
            plain: Some(plain),
            what: format!("it was written in {from}; it gets the name that it needs here{more}"),
            sure: true,
            actions,
        }))
    }

    /// A name that lost its capital letters, or its commas and dashes.
    fn respelled(&self, finding: &Finding, spot: &Spot<'_>) -> Result<Option<Repair>, volume::Error> {
        let codec = self.volume.name_codec();
        let known = self.places.names().find_map(|name| {
            let (coded, _) = codec.encode_name(name, spot.chain).ok()?;
            (coded.eq_ignore_ascii_case(spot.name) && coded != spot.name).then_some(coded)
        });
        let mut spellings = match known {
            Some(coded) => vec![coded],
            None => codec.respell(spot.name, spot.chain),
        };
        // one spelling in 65,536 fits by chance, and is hardly ever text
        let is_text = |coded: &Vec<u8>| {
            let name = codec.decode_name(coded, spot.chain).ok();
            let text = name.and_then(|(name, _)| String::from_utf8(name).ok());
            text.is_some_and(|text| !text.contains(char::is_control))
        };
        if spellings.iter().any(is_text) {
            spellings.retain(is_text);
        }
        // the longest plaintext is the least likely to come about by chance
        spellings
            .sort_by_key(|coded| codec.decode_name(coded, spot.chain).map_or(0, |(plain, _)| plain.len()));
        let Some(coded) = spellings.last() else { return Ok(None) };
        let Ok((plain, _)) = codec.decode_name(coded, spot.chain) else { return Ok(None) };
        let what = "letters of its name were changed by another program, from a name";
        self.rename_here(finding, spot, coded, &plain, what, spellings.len() == 1)
    }

    pub(super) fn broken_chain(&self, finding: &Finding) -> Result<Option<Repair>, volume::Error> {
        let codec = self.volume.name_codec();
        let Some(spot) = self.spot(finding)? else { return Ok(None) };
        let Ok((name, here)) = codec.decode_entry(spot.name, spot.chain) else { return Ok(None) };
        let dir = spot.dir.open_dir(spot.name)?;
        let Some(below) = self.places.below_was(codec, &dir, spot.chain, self.stopped)? else {
            return Ok(None);
        };
        let actions = reencode::below(self, &finding.path, below.chain, here)?;
        let names = actions.iter().filter(|action| matches!(action, Action::Rename { .. })).count();
        Ok((names > 0).then(|| Repair {
            severity: finding.severity,
            kind: finding.kind,
            path: finding.path.clone(),
            plain: Some(plain_of(&spot, &name)),
            what: format!("it holds {}; {names} names below it are coded anew", below.from),
            sure: below.sure,
            actions,
        }))
    }

    /// Whether two entries are files with the same bytes on disk.
    fn same_file(&self, dir: &RawDir, one: &[u8], other: &[u8]) -> Result<bool, volume::Error> {
        let is_file = |name: &[u8]| kind_of(dir, name, None) == Some(volume::Kind::File);
        if !is_file(one) || !is_file(other) {
            return Ok(false);
        }
        let (one, other) = (dir.open_file(one, false)?, dir.open_file(other, false)?);
        if one.stat()?.cipher_size != other.stat()?.cipher_size {
            return Ok(false);
        }
        let (mut ours, mut theirs) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let mut offset = 0;
        loop {
            let len = one.read_at(&mut ours, offset)?;
            if other.read_at(&mut theirs, offset)? != len || ours[..len] != theirs[..len] {
                return Ok(false);
            }
            if len == 0 || (self.stopped)() {
                return Ok(len == 0);
            }
            offset += len as u64;
        }
    }
}

/// Whether a directory has an entry that is spelled like this, to the letter.
fn is_listed(dir: &RawDir, name: &[u8]) -> Result<bool, volume::Error> {
    for entry in dir.entries()? {
        if entry?.name == name {
            return Ok(true);
        }
    }
    Ok(false)
}

fn rename(dir: &RawDir, from: &[u8], to: &[u8]) -> Action {
    let path = dir.path().to_owned();
    Action::Rename { dir: path.clone(), from: from.to_vec(), to_dir: path, to: to.to_vec() }
}
