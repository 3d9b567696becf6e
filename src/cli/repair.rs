//! `encbox repair`: a plan first, then what it says, and back.

use super::findings::{self, Listener};
use super::open::{VolumeArgs, find, open};
use super::out::{Out, put_name};
use super::secret::Secret;
use super::{Error, Global, state, text};
use crate::check::{self, Action, Options, Plan, Repair as Mending, RepairError, Severity, Standing};
use crate::volume::{OpenOptions, Volume};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Show what of a volume can be mended, and mend it
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Without --apply nothing is changed: the volume is checked, and one line says what each thing was and what would be done. \
What cannot be mended is shown as by `encbox check`. What no checksum proves is a guess, and is done with --guesses only.\n\n\
Whatever --apply changes is first kept in a quarantine folder outside the volume: a log of names and of the bytes that \
are replaced, and the files that are set aside. --undo takes all of it back. Let the sync client finish before, and \
unmount the volume.\n\n\
What is found: names in the wrong letters or with other characters for comma and dash; second spellings; files and \
folders that were moved or renamed without encbox in volumes with chained names or external IVs, as long as their old \
folder is still there, or their old name is met elsewhere in the volume or given by --was; headers with one byte or two \
bits changed, or mixed up; ends that hold no data; renames that were interrupted. A header that is lost cannot be found: \
it is 64 random bits.\n\n\
The exit code is 0 if nothing is wrong or all of it was mended, 17 if something is left, 9 if damage is left, 15 if a \
step failed.\n\n\
Examples:\n  \
encbox repair ~/Dropbox/Private\n  \
encbox repair --apply ~/Dropbox/Private\n  \
encbox repair --was 'Letters 2019' --apply ~/Dropbox/Private\n  \
encbox repair --undo ~/.local/state/encbox/repairs/20261125-101500 ~/Dropbox/Private")]
pub(super) struct Repair {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Do what the plan says
    #[arg(long, conflicts_with = "undo")]
    apply: bool,
    /// Do what is only a guess, too
    #[arg(long, requires = "apply")]
    guesses: bool,
    /// A name that something had, as you remember it (may be given many times)
    #[arg(long, value_name = "NAME", conflicts_with = "undo")]
    was: Vec<OsString>,
    /// Keep what is changed in this folder, which must not exist yet [default: one of its own below the folder for state]
    #[arg(long, value_name = "FOLDER", requires = "apply")]
    quarantine: Option<PathBuf>,
    /// Take back what was done with this quarantine folder
    #[arg(long, value_name = "FOLDER")]
    undo: Option<PathBuf>,
    /// Do not read contents: mend names only
    #[arg(long)]
    names: bool,
    /// Work with N threads (default: as many as the machine runs at once, 16 at the most)
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Report the plan and the result as JSON, a line each
    #[arg(long)]
    json: bool,
}

impl Repair {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        if let Some(folder) = &self.undo {
            return self.take_back(global, folder);
        }
        let (volume, before) = self.open(global)?;
        let options = Options { contents: !self.names, guess: true, jobs: self.jobs };
        let mut listener = Listener::silent(global, self.json);
        let planned = check::plan(&volume, options, &self.was, &mut listener);
        listener.end()?;
        let plan = planned?;
        self.show(&plan)?;
        let (todo, left): (Vec<Mending>, Vec<Mending>) =
            plan.repairs.iter().cloned().partition(|repair| self.apply && (repair.sure || self.guesses));
        let mut failures = 0;
        if !todo.is_empty() || before.is_some() {
            let quarantine = self.quarantine()?;
            let mut failed = |repair: &Mending, error: &RepairError| {
                failures += 1;
                let place = findings::place(&repair.path, repair.plain.as_deref());
                super::exit::tell(&format!("encbox: {place}: {error}"));
            };
            let was_there = quarantine.exists();
            let done = check::apply(&volume, &todo, &quarantine, before.as_ref(), &mut failed);
            let done = done.inspect_err(|_| {
                if !was_there && quarantine.exists() {
                    let folder = quarantine.display();
                    global.note(&format!(
                        "what was changed is kept: `encbox repair --undo {folder}` takes it back"
                    ));
                }
            })?;
            self.tell_done(global, done, failures, &quarantine)?;
        }
        let severities = plan.hopeless.iter().map(|finding| finding.severity);
        let severities = severities.chain(left.iter().map(|repair| repair.severity));
        let damage = severities.filter(|severity| *severity == Severity::Damage).count() as u64;
        let count = (left.len() + plan.hopeless.len()) as u64;
        match (failures, damage, count) {
            (0, 0, 0) => Ok(()),
            (0, _, _) if plan.hopeless.is_empty() => Err(Error::ToMend { count, damage }),
            (0, 0, _) => Err(Error::Findings(count)),
            (0, _, _) => Err(Error::Damaged(damage)),
            _ => Err(Error::Incomplete(failures)),
        }
    }

    /// The volume, open for writing if it is to be changed. That ends a rename which was interrupted: then with how all
    /// stood before.
    fn open(&self, global: &Global) -> Result<(Volume, Option<Standing>), Error> {
        let found = find(global, &self.volume.volume)?;
        let root = &self.volume.volume;
        let open_as = |secret: &Secret, read_only: bool| {
            open(global, root, &found, secret, OpenOptions { read_only, ..OpenOptions::default() })
        };
        self.volume.unlock(global, |secret| {
            let volume = open_as(secret, true)?;
            if volume.has_interrupted_rename() && !self.apply {
                global.note(
                    "a rename was interrupted: --apply finishes it, or takes it back, before anything else",
                );
            }
            if !self.apply {
                return Ok((volume, None));
            }
            let before = match volume.has_interrupted_rename() {
                true => Some(Standing::of(&volume).map_err(Error::Volume)?),
                false => None,
            };
            drop(volume);
            Ok((open_as(secret, false)?, before))
        })
    }

    fn quarantine(&self) -> Result<PathBuf, Error> {
        if let Some(folder) = &self.quarantine {
            return Ok(folder.clone());
        }
        let state = state::folder();
        let state = state
            .ok_or_else(|| Error::Usage("nothing says where the quarantine could be: --quarantine".into()))?;
        let now = Timestamp::now().strftime("%Y%m%d-%H%M%S");
        Ok(state.join("repairs").join(now.to_string()))
    }

    fn show(&self, plan: &Plan) -> Result<(), Error> {
        for repair in &plan.repairs {
            let mut out = Out::new();
            match self.json {
                true => out.json(&json!({ "repair": facts(repair) }))?,
                false => out.line(&line(repair))?,
            }
            out.end()?;
        }
        plan.hopeless.iter().try_for_each(|finding| findings::show(finding, self.json))
    }

    fn tell_done(
        &self,
        global: &Global,
        done: u64,
        failed: u64,
        quarantine: &std::path::Path,
    ) -> Result<(), Error> {
        if self.json {
            let mut out = Out::new();
            let mut facts = json!({ "repaired": done, "failed": failed });
            put_name(&mut facts, "quarantine", quarantine.as_os_str());
            out.json(&json!({ "done": facts }))?;
            return out.end();
        }
        let done = text::count(done, "thing");
        global.note(&format!("mended {done}; `encbox repair --undo {}` takes it back", quarantine.display()));
        Ok(())
    }

    fn take_back(&self, global: &Global, folder: &std::path::Path) -> Result<(), Error> {
        let volume = self.volume.read_write(global)?;
        let mut failures = 0;
        let mut failed = |error: &RepairError| {
            failures += 1;
            super::exit::complain(error);
        };
        let count = check::undo(&volume, folder, &mut failed)?;
        if self.json {
            let mut out = Out::new();
            out.json(&json!({ "done": { "undone": count, "failed": failures } }))?;
            out.end()?;
        } else {
            global.note(&format!("took {} back", text::count(count, "step")));
        }
        if failures == 0 { Ok(()) } else { Err(Error::Incomplete(failures)) }
    }
}

fn line(repair: &Mending) -> String {
    let how = if repair.sure { "repair" } else { "guess" };
    format!(
        "{how} {}: {}: {}",
        repair.kind.word(),
        findings::place(&repair.path, repair.plain.as_deref()),
        text::escape_str(&repair.what)
    )
}

fn facts(repair: &Mending) -> Value {
    let mut facts = json!({
        "severity": findings::word(repair.severity),
        "kind": repair.kind.word(),
        "what": repair.what,
        "sure": repair.sure,
        "steps": repair.actions.iter().map(step).collect::<Vec<_>>(),
    });
    put_name(&mut facts, "cipher_path", repair.path.as_os_str());
    if let Some(plain) = &repair.plain {
        put_name(&mut facts, "path", plain);
    }
    facts
}

fn step(action: &Action) -> Value {
    let name = |bytes: &[u8]| std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec());
    let mut facts = json!({});
    match action {
        Action::Rename { dir, from, to_dir, to } => {
            let (from, to): (OsString, OsString) = (name(from), name(to));
            facts["step"] = "rename".into();
            put_name(&mut facts, "from", dir.join(from).as_os_str());
            put_name(&mut facts, "to", to_dir.join(to).as_os_str());
        }
        Action::Header { path, .. } => {
            facts["step"] = "header".into();
            put_name(&mut facts, "path", path.as_os_str());
        }
        Action::Tail { path, offset, after, .. } => {
            facts["step"] = "tail".into();
            facts["offset"] = json!(offset);
            facts["bytes"] = json!(after.len());
            put_name(&mut facts, "path", path.as_os_str());
        }
        Action::Link { path, target } => {
            let target: OsString = name(target);
            facts["step"] = "link".into();
            put_name(&mut facts, "path", path.as_os_str());
            put_name(&mut facts, "target", &target);
        }
        Action::SetAside { path, .. } => {
            facts["step"] = "set-aside".into();
            put_name(&mut facts, "path", path.as_os_str());
        }
    }
    facts
}
