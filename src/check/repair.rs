//! From findings to a plan: what each thing was, and the steps that make it so again.
//!
//! Nothing is changed here. What is not proved by a checksum is a guess, and marked as one.

use super::action::{Action, Plan, Repair};
use super::headers::{self, Here};
use super::places::{Places, kind_of};
use super::reencode;
use super::report::{Error, Finding, Kind, Progress, Summary};
use super::tails;
use super::witness::Witness;
use super::{Options, check};
use crate::config::FileIvMode;
use crate::content::HEADER_LEN;
use crate::names::{EntryName, IvChain};
use crate::volume;
use crate::volume::{PlainPath, RawDir, Volume};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Checks the volume, and plans for what was found. `hints` are names that things had, as the user remembers them.
pub fn plan(
    volume: &Volume,
    options: Options,
    hints: &[OsString],
    progress: &mut dyn Progress,
) -> Result<Plan, Error> {
    let mut collector = Collector { progress, findings: Vec::new() };
    check(volume, options, &mut collector)?;
    let findings = collector.findings;
    let hints: Vec<Vec<u8>> = hints.iter().map(|hint| hint.as_bytes().to_vec()).collect();
    plan_for(volume, findings, &hints)
}

/// Keeps what a check finds.
struct Collector<'a> {
    progress: &'a mut dyn Progress,
    findings: Vec<Finding>,
}

impl Progress for Collector<'_> {
    fn bytes(&mut self, count: u64) {
        self.progress.bytes(count);
    }

    fn item(&mut self) {
        self.progress.item();
    }

    fn found(&mut self, finding: &Finding) {
        if finding.severity > super::Severity::Note {
            self.findings.push(finding.clone());
        }
    }

    fn stopped(&self) -> bool {
        self.progress.stopped()
    }
}

impl Plan {
    /// What was found, counted as a check does.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        self.hopeless.iter().for_each(|finding| summary.count(finding.severity));
        summary
    }
}

fn plan_for(volume: &Volume, mut findings: Vec<Finding>, hints: &[Vec<u8>]) -> Result<Plan, Error> {
    if findings.is_empty() {
        return Ok(Plan::default());
    }
    findings.sort_by(|one, other| one.path.cmp(&other.path));
    let planner = Planner {
        volume,
        places: Places::survey(volume, hints)?,
        external: volume.config().parameters().file_iv == FileIvMode::External,
        headers: headers_of(volume, &findings),
    };
    let mut plan = Plan::default();
    let mut found_under = Vec::new();
    for finding in findings {
        match planner.repair(&finding, &mut found_under) {
            Ok(Some(repair)) => plan.repairs.push(repair),
            Ok(None) => plan.hopeless.push(finding),
            Err(error) => {
                let what = format!("{}; looking for more failed: {error}", finding.what);
                plan.hopeless.push(Finding { what, ..finding });
            }
        }
    }
    exchange(volume, &mut plan, &found_under);
    Ok(plan)
}

/// The headers of files that no block fits: they may have been mixed up.
fn headers_of(volume: &Volume, findings: &[Finding]) -> Vec<[u8; HEADER_LEN]> {
    let suspicious = findings
        .iter()
        .filter(|finding| matches!(finding.kind, Kind::Header | Kind::Moved | Kind::Mac | Kind::ContentType));
    let header = |finding: &Finding| {
        let (dir, name) = split(&finding.path);
        volume.raw_dir(dir).ok()?.open_file(name, false).ok()?.header().ok()?
    };
    suspicious.filter_map(header).collect()
}

struct Planner<'a> {
    volume: &'a Volume,
    places: Places,
    external: bool,
    headers: Vec<[u8; HEADER_LEN]>,
}

/// A file whose header was found to be for another path.
struct FoundUnder {
    path: PathBuf,
    path_iv: u64,
    written_under: u64,
}

/// A place on disk, with all that is known of it.
struct Spot<'f> {
    dir: RawDir,
    name: &'f [u8],
    chain: IvChain,
    /// The plaintext path of the directory.
    plain_dir: PlainPath,
}

impl Planner<'_> {
    fn repair(
        &self,
        finding: &Finding,
        found_under: &mut Vec<FoundUnder>,
    ) -> Result<Option<Repair>, volume::Error> {
        match finding.kind {
            Kind::Alias => self.alias(finding),
            Kind::Undecodable => self.undecodable(finding),
            Kind::BrokenChain => self.broken_chain(finding),
            Kind::Moved | Kind::Header => self.header(finding, found_under),
            Kind::Mac if self.all_blocks_are_bad(finding) => self.header(finding, found_under),
            // a wrong header spoils the beginning of the first block, whatever else
            Kind::ContentType if finding.blocks.first().is_none_or(|blocks| blocks.start == 0) => {
                self.header(finding, found_under)
            }
            Kind::Truncated | Kind::Mac | Kind::ContentType => self.tail(finding),
            Kind::Foreign
            | Kind::EvilName
            | Kind::Collision
            | Kind::ConflictedCopy
            | Kind::ConfigCopy
            | Kind::LinkTarget
            | Kind::Unreadable
            | Kind::Empty
            | Kind::Zeroed
            | Kind::ZeroBlocks
            | Kind::Missing
            | Kind::Extra
            | Kind::Differs => Ok(None),
        }
    }

    fn spot<'f>(&self, finding: &'f Finding) -> Result<Option<Spot<'f>>, volume::Error> {
        let (dir, name) = split(&finding.path);
        let mut chain = self.volume.name_codec().root_chain();
        let mut plain_dir = PlainPath::default();
        for name in dir.iter() {
            let Ok((name, below)) = self.volume.name_codec().decode_entry(name.as_bytes(), chain) else {
                return Ok(None);
            };
            plain_dir = plain_dir.join(OsStr::from_bytes(name.shown()));
            chain = below;
        }
        Ok(Some(Spot { dir: self.volume.raw_dir(dir)?, name, chain, plain_dir }))
    }

    /// The right spelling, or beside it.
    fn alias(&self, finding: &Finding) -> Result<Option<Repair>, volume::Error> {
        let Some(spot) = self.spot(finding)? else { return Ok(None) };
        let Ok(spelling) = self.volume.name_codec().decode_spelling(spot.name, spot.chain) else {
            return Ok(None);
        };
        let what = "another spelling of a name";
        self.rename_here(finding, &spot, &spelling.canonical, &spelling.plain, what, true).map(Some)
    }

    /// A rename within the directory; beside what has the name already, or aside if that is the same file.
    fn rename_here(
        &self,
        finding: &Finding,
        spot: &Spot<'_>,
        to: &[u8],
        plain: &[u8],
        what: &str,
        sure: bool,
    ) -> Result<Repair, volume::Error> {
        let path = finding.path.clone();
        let plain_path = spot.plain_dir.join(OsStr::from_bytes(plain)).to_path().into_os_string();
        if spot.dir.stat_if_there(to)?.is_none() {
            let what = format!("{what}; it gets its name back");
            let actions = vec![rename(&spot.dir, spot.name, to)];
            return Ok(Repair { kind: finding.kind, path, plain: Some(plain_path), what, sure, actions });
        }
        if same_file(&spot.dir, spot.name, to)? {
            let what = format!("{what} that is there, with the same contents; it is set aside");
            let actions = vec![Action::SetAside { path: path.clone() }];
            return Ok(Repair { kind: finding.kind, path, plain: Some(plain_path), what, sure, actions });
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
        let plain = shown.map(|(name, _)| spot.plain_dir.join(OsStr::from_bytes(name.shown())));
        let plain = plain.map(|path| path.to_path().into_os_string());
        let what =
            format!("{what} that is there, with other contents; it comes beside it as a conflicted copy");
        let actions = vec![rename(&spot.dir, spot.name, &marked)];
        Ok(Repair { kind: finding.kind, path, plain, what, sure, actions })
    }

    fn undecodable(&self, finding: &Finding) -> Result<Option<Repair>, volume::Error> {
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
            if let Some(below) = self.places.below_was(codec, &dir, spot.chain)?
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
            Some(volume::Kind::Dir) => reencode::below(self.volume, &finding.path, below, here)?,
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
        // the longest plaintext is the least likely to come about by chance
        spellings
            .sort_by_key(|coded| codec.decode_name(coded, spot.chain).map_or(0, |(plain, _)| plain.len()));
        let Some(coded) = spellings.last() else { return Ok(None) };
        let Ok((plain, _)) = codec.decode_name(coded, spot.chain) else { return Ok(None) };
        let what = "letters of its name were changed by another program, from a name";
        self.rename_here(finding, spot, coded, &plain, what, spellings.len() == 1).map(Some)
    }

    fn broken_chain(&self, finding: &Finding) -> Result<Option<Repair>, volume::Error> {
        let codec = self.volume.name_codec();
        let Some(spot) = self.spot(finding)? else { return Ok(None) };
        let Ok((name, here)) = codec.decode_entry(spot.name, spot.chain) else { return Ok(None) };
        let dir = spot.dir.open_dir(spot.name)?;
        let Some(below) = self.places.below_was(codec, &dir, spot.chain)? else { return Ok(None) };
        let actions = reencode::below(self.volume, &finding.path, below.chain, here)?;
        let names = actions.iter().filter(|action| matches!(action, Action::Rename { .. })).count();
        Ok((names > 0).then(|| Repair {
            kind: finding.kind,
            path: finding.path.clone(),
            plain: Some(plain_of(&spot, &name)),
            what: format!("it holds {}; {names} names below it are coded anew", below.from),
            sure: below.sure,
            actions,
        }))
    }

    fn all_blocks_are_bad(&self, finding: &Finding) -> bool {
        self.volume.layout().header_len() > 0 && matches!(finding.blocks.as_slice(), [one] if *one == (0..1))
    }

    fn header(
        &self,
        finding: &Finding,
        found_under: &mut Vec<FoundUnder>,
    ) -> Result<Option<Repair>, volume::Error> {
        let Some(spot) = self.spot(finding)? else { return Ok(None) };
        let codec = self.volume.name_codec();
        let Ok((name, below)) = codec.decode_entry(spot.name, spot.chain) else { return Ok(None) };
        let plain = name.copy_of().unwrap_or(name.shown());
        let file = spot.dir.open_file(spot.name, false)?;
        let Some(witness) = Witness::of(self.volume, &file, plain)? else { return self.tail(finding) };
        let here = Here { name: plain, chain: spot.chain, path_iv: below.path_iv() };
        let found = headers::search(self.volume, &self.places, &witness, &here, &self.headers, self.external);
        let Some(found) = found else { return self.tail(finding) };
        if let Some(written_under) = found.written_under {
            let path = finding.path.clone();
            found_under.push(FoundUnder { path, path_iv: here.path_iv, written_under });
        }
        let path = finding.path.clone();
        Ok(Some(Repair {
            kind: finding.kind,
            plain: Some(plain_of(&spot, &name)),
            what: format!("{}; it gets the header that fits", found.what),
            sure: found.sure,
            actions: vec![Action::Header { path: path.clone(), before: witness.header, after: found.header }],
            path,
        }))
    }

    /// A last block that was cut.
    fn tail(&self, finding: &Finding) -> Result<Option<Repair>, volume::Error> {
        let Some(spot) = self.spot(finding)? else { return Ok(None) };
        let Ok((name, below)) = self.volume.name_codec().decode_entry(spot.name, spot.chain) else {
            return Ok(None);
        };
        let file = spot.dir.open_file(spot.name, false)?;
        let plain = name.copy_of().unwrap_or(name.shown());
        let mended = tails::mended(self.volume, &file, plain, below.path_iv(), finding)?;
        Ok(mended.map(|tail| Repair {
            kind: finding.kind,
            path: finding.path.clone(),
            plain: Some(plain_of(&spot, &name)),
            what: tail.what,
            sure: tail.sure,
            actions: vec![Action::Tail {
                path: finding.path.clone(),
                offset: tail.offset,
                after: tail.after,
            }],
        }))
    }
}

/// Two files that were each written under the other's path were exchanged: they get their names back, not new headers.
fn exchange(volume: &Volume, plan: &mut Plan, found: &[FoundUnder]) {
    let by_iv: HashMap<u64, &FoundUnder> = found.iter().map(|found| (found.path_iv, found)).collect();
    for one in found {
        let Some(other) = by_iv.get(&one.written_under) else { continue };
        if other.written_under != one.path_iv || one.path >= other.path {
            continue;
        }
        let at = |path: &Path| plan.repairs.iter().position(|repair| repair.path == path);
        let (Some(first), Some(second)) = (at(&one.path), at(&other.path)) else { continue };
        let ((dir, name), (other_dir, other_name)) = (split(&one.path), split(&other.path));
        let mut beside = name.to_vec();
        while volume.raw_dir(dir).and_then(|dir| dir.stat_if_there(&beside)).is_ok_and(|stat| stat.is_some())
        {
            beside.extend_from_slice(b".encbox-exchange");
        }
        let step = |dir: &Path, from: &[u8], to_dir: &Path, to: &[u8]| Action::Rename {
            dir: dir.to_owned(),
            from: from.to_vec(),
            to_dir: to_dir.to_owned(),
            to: to.to_vec(),
        };
        plan.repairs[first].actions = vec![
            step(dir, name, dir, &beside),
            step(other_dir, other_name, dir, name),
            step(dir, &beside, other_dir, other_name),
        ];
        plan.repairs[first].what =
            format!("it was exchanged with [{}]; both get their names back", other.path.display());
        plan.repairs.remove(second);
    }
}

fn rename(dir: &RawDir, from: &[u8], to: &[u8]) -> Action {
    let path = dir.path().to_owned();
    Action::Rename { dir: path.clone(), from: from.to_vec(), to_dir: path, to: to.to_vec() }
}

fn plain_of(spot: &Spot<'_>, name: &EntryName) -> OsString {
    spot.plain_dir.join(OsStr::from_bytes(name.shown())).to_path().into_os_string()
}

/// Directory and name of a ciphertext path.
pub(super) fn split(path: &Path) -> (&Path, &[u8]) {
    let dir = path.parent().unwrap_or(Path::new(""));
    (dir, path.file_name().unwrap_or_default().as_bytes())
}

/// Whether two entries are files with the same bytes on disk.
fn same_file(dir: &RawDir, one: &[u8], other: &[u8]) -> Result<bool, volume::Error> {
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
        if len == 0 {
            return Ok(true);
        }
        offset += len as u64;
    }
}
