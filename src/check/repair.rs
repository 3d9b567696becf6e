//! From findings to a plan: what each thing was, and the steps that make it so again.
//!
//! Nothing is changed here. What is not proved by a checksum is a guess, and marked as one.

use super::action::{Action, Plan, Repair};
use super::exchange::{FoundUnder, exchange};
use super::headers::{self, Here};
use super::links;
use super::places::Places;
use super::report::{Error, Finding, Kind, Progress};
use super::tails;
use super::witness::Witness;
use super::{Options, check};
use crate::config::FileIvMode;
use crate::content::HEADER_LEN;
use crate::names::{EntryName, IvChain};
use crate::volume;
use crate::volume::{PlainPath, RawDir, Volume};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Checks the volume, and plans for what was found. `hints` are names that things had, as the user remembers them.
pub fn plan(
    volume: &Volume,
    options: Options,
    hints: &[OsString],
    progress: &mut dyn Progress,
) -> Result<Plan, Error> {
    let mut collector = Collector { progress, findings: Vec::new() };
    check(volume, options, None, &mut collector)?;
    let Collector { progress, findings } = collector;
    let hints: Vec<Vec<u8>> = hints.iter().map(|hint| hint.as_bytes().to_vec()).collect();
    plan_for(volume, findings, &hints, &|| progress.stopped())
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

fn plan_for(
    volume: &Volume,
    mut findings: Vec<Finding>,
    hints: &[Vec<u8>],
    stopped: Stopped<'_>,
) -> Result<Plan, Error> {
    if findings.is_empty() {
        return Ok(Plan::default());
    }
    findings.sort_by(|one, other| one.path.cmp(&other.path));
    let planner = Planner {
        volume,
        places: Places::survey(volume, hints, stopped)?,
        stopped,
        external: volume.config().parameters().file_iv == FileIvMode::External,
        headers: headers_of(volume, &findings),
    };
    let mut plan = Plan::default();
    let mut found_under = Vec::new();
    for finding in findings {
        let repair = planner.repair(&finding, &mut found_under);
        // what was searched for and not found may be so because the search ended early
        if stopped() {
            return Err(Error::Interrupted);
        }
        match repair {
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

/// Asked often by whatever takes long: should it end?
pub(super) type Stopped<'a> = &'a dyn Fn() -> bool;

pub(super) struct Planner<'a> {
    pub(super) volume: &'a Volume,
    pub(super) stopped: Stopped<'a>,
    pub(super) places: Places,
    pub(super) external: bool,
    pub(super) headers: Vec<[u8; HEADER_LEN]>,
}

/// A place on disk, with all that is known of it.
pub(super) struct Spot<'f> {
    pub(super) dir: RawDir,
    pub(super) name: &'f [u8],
    pub(super) chain: IvChain,
    /// The plaintext path of the directory.
    pub(super) plain_dir: PlainPath,
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
            Kind::LinkFile => self.link(finding),
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

    pub(super) fn spot<'f>(&self, finding: &'f Finding) -> Result<Option<Spot<'f>>, volume::Error> {
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

    /// A link instead of the file that holds its target.
    fn link(&self, finding: &Finding) -> Result<Option<Repair>, volume::Error> {
        let Some(spot) = self.spot(finding)? else { return Ok(None) };
        let Ok((name, _)) = self.volume.name_codec().decode_entry(spot.name, spot.chain) else {
            return Ok(None);
        };
        let file = spot.dir.open_file(spot.name, false)?;
        let stat = file.stat()?;
        let Some(target) = links::target_in(self.volume, &file, stat.cipher_size)? else {
            return Ok(None);
        };
        let (len, mtime) = (stat.cipher_size, stat.mtime);
        let path = finding.path.clone();
        Ok(Some(Repair {
            severity: finding.severity,
            kind: finding.kind,
            path: path.clone(),
            plain: Some(plain_of(&spot, &name)),
            what: "it holds where a link leads; it becomes that link again".to_owned(),
            sure: !links::has_plain_names(self.volume),
            actions: vec![Action::SetAside { path: path.clone(), len, mtime }, Action::Link { path, target }],
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
        // what no block fits has lost its header or its place; there the end is not all that is wrong
        let end = || match finding.kind {
            Kind::Mac | Kind::ContentType => self.tail(finding),
            _ => Ok(None),
        };
        let Some(witness) = Witness::of(self.volume, &file, plain)? else { return end() };
        let here = Here { name: plain, chain: spot.chain, path_iv: below.path_iv() };
        let found = headers::search(self, &witness, &here);
        let Some(found) = found else { return end() };
        if let Some(written_under) = found.written_under {
            let path = finding.path.clone();
            found_under.push(FoundUnder { path, path_iv: here.path_iv, written_under });
        }
        let path = finding.path.clone();
        Ok(Some(Repair {
            severity: finding.severity,
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
            severity: finding.severity,
            kind: finding.kind,
            path: finding.path.clone(),
            plain: Some(plain_of(&spot, &name)),
            what: tail.what,
            sure: tail.sure,
            actions: vec![Action::Tail {
                path: finding.path.clone(),
                offset: tail.offset,
                before: tail.before,
                after: tail.after,
            }],
        }))
    }
}

pub(super) fn plain_of(spot: &Spot<'_>, name: &EntryName) -> OsString {
    spot.plain_dir.join(OsStr::from_bytes(name.shown())).to_path().into_os_string()
}

/// Directory and name of a ciphertext path.
pub(super) fn split(path: &Path) -> (&Path, &[u8]) {
    let dir = path.parent().unwrap_or(Path::new(""));
    (dir, path.file_name().unwrap_or_default().as_bytes())
}
