//! Whether the local database still has all it had when the server last stopped in an orderly way.
//!
//! A damaged journal is read up to the damage, and what comes after it is lost without a word: after a crash that is a write
//! nobody was promised, after an orderly stop it is not. So the last thing written before a stop is a number, to the
//! database and then to a file beside it. A database whose number is smaller than the file's has lost writes.

use std::fs::{File, read_to_string, rename};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use crate::kv::{Kv, KvError, Result, Write, sync_dir};

const FILE: &str = "CLOSED";
const DRAFT: &str = "CLOSED.new";
const SPACE: &str = "log/closed";

/// Notes in a data directory that its server stops now.
pub(super) fn note(dir: &Path, kv: &dyn Kv) -> Result<()> {
    let number = in_database(kv)? + 1;
    let value = Some(number.to_be_bytes().to_vec());
    kv.write(Write { space: SPACE.into(), key: Vec::new(), value }.into())?;
    write(dir, number).map_err(|source| KvError::Io { what: dir.join(FILE).display().to_string(), source })
}

/// Fails when the database lacks what it had at the last orderly stop.
pub(super) fn check(dir: &Path, database: &Path, kv: &dyn Kv) -> Result<()> {
    let file = dir.join(FILE);
    let text = match read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) if source.kind() != ErrorKind::InvalidData => {
            return Err(KvError::Io { what: file.display().to_string(), source });
        }
        Err(_) => String::new(),
    };
    let corrupt =
        |file: &Path, problem: &str| KvError::Corrupt { file: file.display().to_string(), problem: problem.to_owned() };
    let number = parse(&text).ok_or_else(|| corrupt(&file, "it holds no number and checksum"))?;
    match in_database(kv)? >= number {
        true => Ok(()),
        false => Err(corrupt(database, "it lacks commits it had when the server was stopped")),
    }
}

fn in_database(kv: &dyn Kv) -> Result<u64> {
    let number = kv.get(SPACE, b"")?.and_then(|bytes| bytes.try_into().ok());
    Ok(number.map_or(0, u64::from_be_bytes))
}

fn write(dir: &Path, number: u64) -> std::io::Result<()> {
    let draft = dir.join(DRAFT);
    let mut file = File::create(&draft)?;
    file.write_all(text(number).as_bytes())?;
    file.sync_all()?;
    rename(&draft, dir.join(FILE))?;
    sync_dir(dir)
}

fn text(number: u64) -> String {
    format!("{number} {:08x}\n", crc32fast::hash(&number.to_be_bytes()))
}

fn parse(written: &str) -> Option<u64> {
    let number = written.split(' ').next()?.parse().ok()?;
    (text(number) == written).then_some(number)
}
