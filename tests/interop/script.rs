//! A seeded sequence of file operations, applied alike to a mount and to a plain folder that serves as the
//! model.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;

use crate::support::rng::Rng;

/// One operation; every path is relative and valid at its turn.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    CreateFile {
        path: PathBuf,
        content: Vec<u8>,
    },
    WriteAt {
        path: PathBuf,
        offset: u64,
        data: Vec<u8>,
    },
    Append {
        path: PathBuf,
        data: Vec<u8>,
    },
    Truncate {
        path: PathBuf,
        size: u64,
    },
    Overwrite {
        path: PathBuf,
        content: Vec<u8>,
    },
    /// Two handles on one file take turns.
    WriteThroughTwoHandles {
        path: PathBuf,
        offset: u64,
        first: Vec<u8>,
        second: Vec<u8>,
        size: u64,
    },
    /// The file is written to through a handle that was opened under its old name.
    RenameWhileOpen {
        from: PathBuf,
        to: PathBuf,
        offset: u64,
        data: Vec<u8>,
    },
    /// Of a file or of a folder with all below it; an existing file is replaced.
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    MakeDir {
        path: PathBuf,
    },
    RemoveDir {
        path: PathBuf,
    },
    Link {
        path: PathBuf,
        target: String,
    },
    Mode {
        path: PathBuf,
        mode: u32,
    },
}

/// What the script may do.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) steps: usize,
    /// Sizes and offsets are chosen around multiples of this.
    pub(crate) payload: u64,
    /// Whether truncating may make a file longer.
    pub(crate) grow_by_truncate: bool,
}

pub(crate) fn apply(script: &[Step], root: &Path) {
    for (number, step) in script.iter().enumerate() {
        apply_step(step, root).unwrap_or_else(|error| {
            let text = format!("{step:?}");
            panic!("step {number} on {}: {error}\n{:.200}", root.display(), text)
        });
    }
}

fn apply_step(step: &Step, root: &Path) -> io::Result<()> {
    let write = |path: &Path| OpenOptions::new().read(true).write(true).open(root.join(path));
    match step {
        Step::CreateFile { path, content } => File::create_new(root.join(path))?.write_all(content),
        Step::WriteAt { path, offset, data } => write(path)?.write_all_at(data, *offset),
        Step::Append { path, data } => OpenOptions::new().append(true).open(root.join(path))?.write_all(data),
        Step::Truncate { path, size } => write(path)?.set_len(*size),
        Step::Overwrite { path, content } => fs::write(root.join(path), content),
        Step::WriteThroughTwoHandles { path, offset, first, second, size } => {
            let (one, two) = (write(path)?, write(path)?);
            one.write_all_at(first, *offset)?;
            two.write_all_at(second, offset + 1)?;
            one.set_len(*size)?;
            two.write_all_at(first, size / 2)?;
            one.sync_all()
        }
        Step::RenameWhileOpen { from, to, offset, data } => {
            let file = write(from)?;
            file.write_all_at(&data[..data.len() / 2], *offset)?;
            fs::rename(root.join(from), root.join(to))?;
            file.write_all_at(&data[data.len() / 2..], offset + data.len() as u64 / 2)
        }
        Step::Rename { from, to } => fs::rename(root.join(from), root.join(to)),
        Step::Remove { path } => fs::remove_file(root.join(path)),
        Step::MakeDir { path } => fs::create_dir(root.join(path)),
        Step::RemoveDir { path } => fs::remove_dir(root.join(path)),
        Step::Link { path, target } => symlink(target, root.join(path)),
        Step::Mode { path, mode } => fs::set_permissions(root.join(path), Permissions::from_mode(*mode)),
    }
}

/// A script that is the same for the same seed and limits.
pub(crate) fn write(seed: u64, limits: Limits) -> Vec<Step> {
    let mut writer =
        Writer { rng: Rng::new(seed), limits, files: Vec::new(), dirs: vec![PathBuf::new()], count: 0 };
    // Enough to work on before the dice decide.
    let mut script: Vec<Step> = (0..3).map(|_| writer.make_dir()).collect();
    script.extend((0..5).map(|_| writer.create_file()));
    while script.len() < limits.steps {
        let step = writer.step();
        script.push(step);
    }
    script
}

struct Writer {
    rng: Rng,
    limits: Limits,
    /// Files there are, with their sizes.
    files: Vec<(PathBuf, u64)>,
    /// Folders there are; the first is the root.
    dirs: Vec<PathBuf>,
    count: usize,
}

impl Writer {
    fn step(&mut self) -> Step {
        match self.rng.below(24) {
            0..3 => self.create_file(),
            3..9 => self.write_at(),
            9 | 10 => self.append(),
            11..14 => self.truncate(),
            14 => self.overwrite(),
            15 => self.write_through_two_handles(),
            16 | 17 => self.rename_file(),
            18 => self.rename_while_open(),
            19 => self.rename_dir(),
            20 => self.make_dir(),
            21 => self.link(),
            22 => self.mode(),
            _ => self.remove(),
        }
    }

    fn create_file(&mut self) -> Step {
        let path = self.new_path();
        let size = self.size();
        self.files.push((path.clone(), size));
        Step::CreateFile { path, content: self.rng.bytes(size) }
    }

    fn write_at(&mut self) -> Step {
        let index = self.any_file();
        let len = 1 + self.size();
        let (path, size) = self.files[index].clone();
        // Mostly inside the file, at times beyond its end.
        let offset = if self.rng.below(4) == 0 { size + self.size() } else { self.rng.below(size + 1) };
        self.files[index].1 = size.max(offset + len);
        Step::WriteAt { path, offset, data: self.rng.bytes(len) }
    }

    fn append(&mut self) -> Step {
        let index = self.any_file();
        let len = 1 + self.rng.below(self.limits.payload + 2);
        self.files[index].1 += len;
        Step::Append { path: self.files[index].0.clone(), data: self.rng.bytes(len) }
    }

    fn truncate(&mut self) -> Step {
        let index = self.any_file();
        let size = self.size_to_truncate_to(self.files[index].1);
        self.files[index].1 = size;
        Step::Truncate { path: self.files[index].0.clone(), size }
    }

    fn overwrite(&mut self) -> Step {
        let index = self.any_file();
        let size = self.size();
        self.files[index].1 = size;
        Step::Overwrite { path: self.files[index].0.clone(), content: self.rng.bytes(size) }
    }

    fn write_through_two_handles(&mut self) -> Step {
        let index = self.any_file();
        let len = 1 + self.size();
        let (path, old_size) = self.files[index].clone();
        let offset = self.rng.below(old_size + 1);
        let size = self.size_to_truncate_to(old_size.max(offset + 1 + len));
        self.files[index].1 = size.max(size / 2 + len);
        let (first, second) = (self.rng.bytes(len), self.rng.bytes(len));
        Step::WriteThroughTwoHandles { path, offset, first, second, size }
    }

    fn rename_file(&mut self) -> Step {
        let index = self.any_file();
        let replaces = self.files.len() > 6 && self.rng.below(4) == 0;
        let (from, size) = self.files.remove(index);
        let to = if replaces {
            let replaced = self.any_file();
            self.files.remove(replaced).0
        } else {
            self.new_path()
        };
        self.files.push((to.clone(), size));
        Step::Rename { from, to }
    }

    fn rename_while_open(&mut self) -> Step {
        let index = self.any_file();
        let to = self.new_path();
        let len = 2 + self.rng.below(2 * self.limits.payload);
        let (from, size) = self.files[index].clone();
        let offset = self.rng.below(size + 1);
        self.files[index] = (to.clone(), size.max(offset + len));
        Step::RenameWhileOpen { from, to, offset, data: self.rng.bytes(len) }
    }

    fn rename_dir(&mut self) -> Step {
        if self.dirs.len() < 2 {
            return self.make_dir();
        }
        let from = self.dirs[1 + self.rng.below(self.dirs.len() as u64 - 1) as usize].clone();
        let outside: Vec<PathBuf> = self.dirs.iter().filter(|dir| !dir.starts_with(&from)).cloned().collect();
        let parent = self.rng.pick(&outside).clone();
        let to = parent.join(self.new_name());
        let moved = |path: &mut PathBuf| {
            if let Ok(rest) = path.strip_prefix(&from) {
                *path = if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) };
            }
        };
        self.dirs.iter_mut().for_each(moved);
        self.files.iter_mut().for_each(|(path, _)| moved(path));
        Step::Rename { from, to }
    }

    fn make_dir(&mut self) -> Step {
        let path = self.new_path();
        self.dirs.push(path.clone());
        Step::MakeDir { path }
    }

    fn link(&mut self) -> Step {
        let target = ["../somewhere/else", "near", "/far/away"][self.rng.below(3) as usize].to_owned();
        // In the root, so that no folder counts as empty that is not.
        Step::Link { path: self.new_name().into(), target }
    }

    fn mode(&mut self) -> Step {
        let index = self.any_file();
        let mode = *self.rng.pick(&[0o600, 0o640, 0o644, 0o755]);
        Step::Mode { path: self.files[index].0.clone(), mode }
    }

    fn remove(&mut self) -> Step {
        let empty = self.dirs.iter().skip(1).position(|dir| {
            let inside = |path: &Path| path != dir && path.starts_with(dir);
            !self.files.iter().any(|(path, _)| inside(path)) && !self.dirs.iter().any(|path| inside(path))
        });
        match empty {
            Some(index) if self.rng.below(2) == 0 => Step::RemoveDir { path: self.dirs.remove(index + 1) },
            _ if self.files.len() > 6 => {
                let index = self.any_file();
                Step::Remove { path: self.files.remove(index).0 }
            }
            _ => self.create_file(),
        }
    }

    fn any_file(&mut self) -> usize {
        self.rng.below(self.files.len() as u64) as usize
    }

    /// Sizes like to be near the edge of a block.
    fn size(&mut self) -> u64 {
        let payload = self.limits.payload;
        match self.rng.below(3) {
            0 => self.rng.below(20),
            1 => self.rng.below(3 * payload),
            _ => (self.rng.below(5) * payload + self.rng.below(3)).saturating_sub(1),
        }
    }

    fn size_to_truncate_to(&mut self, current: u64) -> u64 {
        if self.limits.grow_by_truncate && self.rng.below(2) == 0 {
            current + self.size()
        } else {
            self.size().min(current)
        }
    }

    fn new_path(&mut self) -> PathBuf {
        let dir = self.rng.pick(&self.dirs).clone();
        dir.join(self.new_name())
    }

    fn new_name(&mut self) -> String {
        self.count += 1;
        let ending = ["", ".md", " with a somewhat longer name", "\u{fc}"][self.rng.below(4) as usize];
        format!("{}{ending}", self.count)
    }
}
