//! The data directory: who owns it and what it is.

use std::ffi::OsString;
use std::fs::{
    DirBuilder, File, OpenOptions, Permissions, TryLockError, read_dir, read_to_string, rename, set_permissions,
    symlink_metadata,
};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::kv::{Database, Kv, KvError, Result, closed, sync_dir};

/// Raised whenever what lies in the directory changes its form.
const FORMAT: u32 = 3;
/// The oldest form that this version reads. The directory has the present form from then on: entries of the command log in
/// the form of today are damaged ones to a version that knows format 2.
const OLDEST_FORMAT: u32 = 2;
const FORMAT_FILE: &str = "FORMAT";
const FORMAT_DRAFT: &str = "FORMAT.new";
const LOCK_FILE: &str = "LOCK";
const PROBE_FILE: &str = "PROBE";
const PROBE_BYTES: usize = 1 << 20;
const TITLE: &str = "millstream data directory";
const DATABASE: &str = "db";
/// What a crash while a data directory is being made leaves behind.
const UNFINISHED: [&str; 3] = [LOCK_FILE, DATABASE, FORMAT_DRAFT];
/// What file systems put into empty directories.
const LOST_AND_FOUND: &str = "lost+found";
/// What the owner alone may do, and what all others may.
const OWNER: u32 = 0o700;
const OTHERS: u32 = 0o077;

/// A data directory this process has locked; released on drop.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Opens or makes a directory, and the local database in it, for a log of the given kind (`embedded`, `kafka`). Refuses, and changes nothing,
    /// when another process uses it, when it holds something else, or when it was written in another format.
    pub(crate) fn open(path: &Path, kind: &str) -> Result<(DataDir, Database)> {
        let failed = |what: &str, error: std::io::Error| {
            KvError::DataDir(format!("cannot {what} the data directory {}: {error}", path.display()))
        };
        if !path.is_dir() {
            DirBuilder::new().recursive(true).mode(OWNER).create(path).map_err(|error| failed("create", error))?;
        }
        let mut names = Vec::new();
        for entry in read_dir(path).map_err(|error| failed("read", error))? {
            names.push(entry.map_err(|error| failed("read", error))?.file_name());
        }
        names.retain(|name| name != LOST_AND_FOUND);
        let is_unfinished = names.iter().any(|name| name == LOCK_FILE);
        let is_foreign = |name: &&OsString| !is_unfinished || !UNFINISHED.iter().any(|ours| *name == *ours);
        if let (None, Some(foreign)) = (format_of(path, kind)?, names.iter().find(is_foreign)) {
            return Err(KvError::DataDir(format!(
                "{} is not a Millstream data directory (it holds '{}' but no {FORMAT_FILE} file); choose an empty one",
                path.display(),
                foreign.display()
            )));
        }
        protect(path)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK_FILE));
        let lock = lock.map_err(|error| failed("write to", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let used = format!("the data directory {} is in use by another process", path.display());
                return Err(KvError::DataDir(used));
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", error)),
        }
        let dir = DataDir { path: path.to_owned(), _lock: lock };
        // whoever held the lock until now may have finished making it
        if let Some(format) = format_of(path, kind)? {
            if !dir.database().is_dir() {
                let problem = "the local database is missing".to_owned();
                return Err(KvError::Corrupt { file: dir.database().display().to_string(), problem });
            }
            let database = Database::open(&dir.database())?;
            closed::check(path, &dir.database(), &database)?;
            if format < FORMAT {
                mark(path, kind).map_err(|error| failed("write to", error))?;
            }
            return Ok((dir, database));
        }
        // marked as ours last, so that a directory with the mark has a database
        let database = Database::open(&dir.database())?;
        mark(path, kind).map_err(|error| failed("write to", error))?;
        Ok((dir, database))
    }

    fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Notes that the process stops in an orderly way: the next start misses nothing without saying so.
    pub(crate) fn close(&self, kv: &dyn Kv) -> Result<()> {
        closed::note(&self.path, kv)
    }

    /// Whether there is room to write something.
    pub(crate) fn probe(&self) -> std::io::Result<()> {
        let path = self.path.join(PROBE_FILE);
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(&vec![0; PROBE_BYTES])?;
            file.sync_all()
        });
        std::fs::remove_file(&path).and(written)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Takes the rights of others from the directory and all that is in it, and refuses symbolic links in it: nothing outside
/// of it is read or written. (The directory itself may be named by a link.)
fn protect(path: &Path) -> Result<()> {
    let (mut open, mut problem) = (vec![path.to_owned()], None);
    while let Some(dir) = open.pop() {
        let Some(entries) = there(&dir, read_dir(&dir))? else { continue };
        problem = problem.or(tighten(&dir).err());
        for entry in entries {
            let entry = entry.map_err(|source| io(&dir, source))?;
            let path = entry.path();
            if entry.file_name() == LOST_AND_FOUND {
                continue;
            }
            let Some(kind) = there(&path, entry.file_type())? else { continue };
            if kind.is_symlink() {
                let problem = format!("{} is a symbolic link; a data directory has none in it", path.display());
                return Err(KvError::DataDir(problem));
            }
            match kind.is_dir() {
                true => open.push(path),
                false => problem = problem.or(tighten(&path).err()),
            }
        }
    }
    if let Some(problem) = problem {
        tracing::warn!("others may read the data directory {}: {problem}", path.display());
    }
    Ok(())
}

/// Takes the rights of others from a file or directory.
fn tighten(path: &Path) -> std::io::Result<()> {
    // The last of the way here may be a link only for the data directory itself.
    let mode = path.metadata().or_else(|_| symlink_metadata(path))?.permissions().mode();
    match mode & OTHERS {
        0 => Ok(()),
        _ => set_permissions(path, Permissions::from_mode(mode & OWNER)),
    }
}

/// What is not there any more, or not yet, is not looked at.
fn there<T>(path: &Path, found: std::io::Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(io(path, source)),
    }
}

fn io(path: &Path, source: std::io::Error) -> KvError {
    KvError::Io { what: path.display().to_string(), source }
}

/// The form of a directory that says it is ours; fails when it says it is something we cannot use.
fn format_of(path: &Path, kind: &str) -> Result<Option<u32>> {
    let file = path.join(FORMAT_FILE);
    let text = match read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(KvError::DataDir(format!("cannot read {}: {error}", file.display()))),
    };
    let mut lines = text.lines();
    let title = lines.next() == Some(TITLE);
    let format = lines.next().and_then(|line| line.strip_prefix("format ")?.parse::<u32>().ok());
    let found = lines.next().and_then(|line| line.strip_prefix("log "));
    let problem = match (title, format) {
        (true, Some(format)) if format > FORMAT => format!(
            "{} was written by a newer version of Millstream (format {format}; this version reads {FORMAT})",
            path.display()
        ),
        (true, Some(format)) if format < OLDEST_FORMAT => format!(
            "{} was written by an older version of Millstream (format {format}; this version reads {FORMAT}): go on with \
             that version, or set data.dir to a new directory and run the statements again",
            path.display()
        ),
        (true, Some(format)) if found == Some(kind) => return Ok(Some(format)),
        (true, Some(_)) => format!(
            "{} belongs to a server on the {} log, not on the {kind} log",
            path.display(),
            found.unwrap_or("unknown")
        ),
        _ => format!("{} is not a Millstream data directory: its {FORMAT_FILE} file says otherwise", path.display()),
    };
    Err(KvError::DataDir(problem))
}

fn mark(path: &Path, kind: &str) -> std::io::Result<()> {
    let draft = path.join(FORMAT_DRAFT);
    let mut file = File::create(&draft)?;
    write!(file, "{TITLE}\nformat {FORMAT}\nlog {kind}\n")?;
    file.sync_all()?;
    rename(&draft, path.join(FORMAT_FILE))?;
    sync_dir(path)
}

#[cfg(test)]
mod tests {
    use std::fs::write;

    use super::*;

    fn refusal(path: &Path) -> String {
        DataDir::open(path, "embedded").map(drop).unwrap_err().to_string()
    }

    #[test]
    fn opens_again_but_not_twice() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b");
        let dir = DataDir::open(&path, "embedded").unwrap();
        assert!(refusal(&path).contains("in use by another process"));
        drop(dir);
        let kafka = DataDir::open(&path, "kafka").map(drop).unwrap_err().to_string();
        assert!(kafka.contains("on the embedded log"), "{kafka}");
        write(path.join(FORMAT_FILE), format!("{TITLE}\nformat {OLDEST_FORMAT}\nlog embedded\n")).unwrap();
        drop(DataDir::open(&path, "embedded").unwrap());
        let marked = read_to_string(path.join(FORMAT_FILE)).unwrap();
        assert_eq!(marked, format!("{TITLE}\nformat {FORMAT}\nlog embedded\n"), "no older version takes it");
        // killed before the mark was written
        std::fs::remove_file(path.join(FORMAT_FILE)).unwrap();
        drop(DataDir::open(&path, "embedded").unwrap());
        std::fs::remove_dir_all(path.join(DATABASE)).unwrap();
        assert!(refusal(&path).contains("the local database is missing"));
    }

    #[test]
    fn nobody_else_may_read_it_and_no_link_is_followed() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        drop(DataDir::open(&path, "embedded").unwrap());
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        for (path, mode) in [(path.clone(), 0o755), (path.join(FORMAT_FILE), 0o644), (path.join(DATABASE), 0o775)] {
            set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        let link = temp.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        drop(DataDir::open(&link, "embedded").unwrap());
        assert_eq!([mode(&path), mode(&path.join(FORMAT_FILE)), mode(&path.join(DATABASE))], [0o700, 0o600, 0o700]);
        let elsewhere = temp.path().join("elsewhere");
        std::fs::rename(path.join(DATABASE), &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, path.join(DATABASE)).unwrap();
        assert!(refusal(&path).contains("db is a symbolic link"));
    }

    #[test]
    fn refuses_what_is_not_ours_and_leaves_it_alone() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path();
        write(path.join("thesis.tex"), "x").unwrap();
        assert!(refusal(path).contains("thesis.tex"));
        let mark =
            |format: u32| write(path.join(FORMAT_FILE), format!("{TITLE}\nformat {format}\nlog embedded\n")).unwrap();
        mark(FORMAT + 1);
        assert!(refusal(path).contains("newer version"));
        mark(OLDEST_FORMAT - 1);
        assert!(refusal(path).contains("set data.dir to a new directory"));
        write(path.join(FORMAT_FILE), "something").unwrap();
        assert!(refusal(path).contains("says otherwise"));
        assert_eq!(read_dir(path).unwrap().count(), 2);
        assert!(refusal(&path.join("thesis.tex")).contains("cannot create"));
    }
}
