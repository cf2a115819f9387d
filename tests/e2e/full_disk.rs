//! A disk that fills and is emptied again, and too few file descriptors: what was acknowledged is kept, the rest is refused
//! with a reason, `/healthcheck` tells, and everything goes on by itself.

use std::fs::{File, remove_file};
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::eventually;
use e2e::http::{ksql, request, rows};
use e2e::process::Server;
use serde_json::{Value, json};

const ROUNDS: usize = 3;
const STATEMENTS: &str = "
    CREATE STREAM s (k INT KEY, n INT, text VARCHAR) WITH (kafka_topic='s', value_format='json', partitions=2);
    CREATE TABLE t AS SELECT n % 7 AS m, COUNT(*) AS c, SUM(n) AS total, MAX(text) AS text FROM s GROUP BY n % 7;";

/// A small file system of its own; unmounted when dropped.
struct SmallDisk {
    path: PathBuf,
    _temp: tempfile::TempDir,
}

impl SmallDisk {
    fn new(megabytes: usize) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().to_owned();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path).output();
        let mounted = mounted.expect("this test needs the command mount");
        let problem = String::from_utf8_lossy(&mounted.stderr);
        assert!(mounted.status.success(), "this test mounts a small file system, which takes root: {problem}");
        Self { path, _temp: temp }
    }

    /// Leaves no byte free.
    fn fill(&self) {
        let mut file = File::create(self.path.join("filler")).unwrap();
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
    }

    fn empty(&self) {
        remove_file(self.path.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

/// Inserts one row; the status and what was said.
fn insert(url: &str, n: i64, bytes: usize) -> (u16, String) {
    let text: String =
        (0..bytes).map(|i| char::from(b'a' + ((i as i64 * 31 + n * 17 + (i as i64 * n) % 13) % 26) as u8)).collect();
    let body = json!({"ksql": format!("INSERT INTO s (k, n, text) VALUES ({n}, {n}, '{text}');")}).to_string();
    let answer = request(url, "POST", "/ksql", &[], &body);
    (answer.status, answer.body)
}

fn health(url: &str) -> Value {
    request(url, "GET", "/healthcheck", &[], "").json()
}

/// Count and sum of all rows by the table, and the numbers in the stream.
fn totals(url: &str) -> (i64, i64) {
    let groups = rows(url, "SELECT c, total FROM t;", &json!({}));
    let sum = |column: usize| groups.iter().filter_map(|row| row[column].as_i64()).sum();
    (sum(0), sum(1))
}

/// All of them are there, once, and nothing else.
fn check(url: &str, acknowledged: &[i64]) {
    let mut stored: Vec<i64> =
        rows(url, "SELECT n FROM s;", &json!({})).iter().filter_map(|row| row[0].as_i64()).collect();
    stored.sort_unstable();
    assert_eq!(stored, acknowledged, "the stream holds what was acknowledged");
    let wanted = (acknowledged.len() as i64, acknowledged.iter().sum());
    eventually("the table has counted all of it", || (totals(url) == wanted).then_some(()));
}

#[test]
fn a_full_disk_stops_writes_until_there_is_room() {
    let disk = SmallDisk::new(48);
    let data = disk.path.join("data");
    let mut server = Server::start(&data, &[]);
    ksql(&server.url, STATEMENTS, &json!({"auto.offset.reset": "earliest"}));
    let (mut next, mut acknowledged) = (1, Vec::new());
    for round in 0..ROUNDS {
        for _ in 0..40 {
            assert_eq!(insert(&server.url, next, 100).0, 200);
            acknowledged.push(next);
            next += 1;
        }
        check(&server.url, &acknowledged);
        disk.fill();
        let refused = eventually("the disk is full", || {
            let (status, said) = insert(&server.url, next, 20_000);
            if status == 200 {
                acknowledged.push(next);
            }
            next += 1;
            (status != 200).then_some((status, said))
        });
        assert!(refused.0 == 500 && refused.1.contains("disk is full"), "{refused:?}");
        assert!(!refused.1.contains(disk.path.to_str().unwrap()), "no paths: {}", refused.1);
        eventually("the server is not well, and says why", || {
            let sick = health(&server.url);
            let (log, catalog) = (&sick["details"]["kafka"], &sick["details"]["metastore"]);
            let is_told = log["reason"].as_str().is_some_and(|why| !why.contains(disk.path.to_str().unwrap()));
            (sick["isHealthy"] == false && log["isHealthy"] == false && is_told && catalog["isHealthy"] == true)
                .then_some(())
        });
        // What is there can be read.
        assert_eq!(rows(&server.url, "SELECT n FROM s;", &json!({})).len(), acknowledged.len());
        let create = json!({"ksql": "CREATE STREAM more WITH (partitions=1) AS SELECT * FROM s;"}).to_string();
        let answer = request(&server.url, "POST", "/ksql", &[], &create);
        // It is small, so there may be room for it.
        let is_made = answer.status == 200;
        assert!(is_made || (answer.status == 500 && answer.body.contains("disk is full")), "{answer:?}");
        if round == 1 {
            // A start may fail, but says why, or works.
            server.kill();
            match Server::try_start(&data, &[]) {
                Ok(started) => started.kill(),
                Err((code, said)) => assert!(code == Some(1) && said.contains("space"), "{code:?} {said}"),
            }
            disk.empty();
            server = Server::start(&data, &[]);
        } else {
            disk.empty();
        }
        eventually("the server is well again", || (health(&server.url)["isHealthy"] == true).then_some(()));
        check(&server.url, &acknowledged);
        assert_eq!(ksql(&server.url, "SHOW STREAMS;", &json!({})).to_string().contains("MORE"), is_made);
        if is_made {
            ksql(&server.url, "DROP STREAM more DELETE TOPIC;", &json!({}));
        }
    }
    server.kill();
    server = Server::start(&data, &[]);
    check(&server.url, &acknowledged);
    assert!(server.terminate());
}

/// The server fills the disk itself: the table files and the journal of its database have no room either.
#[test]
fn a_disk_filled_by_the_server_itself_loses_nothing() {
    let disk = SmallDisk::new(48);
    let data = disk.path.join("data");
    let filler = disk.path.join("filler");
    File::create(&filler).unwrap().write_all(&vec![1; 8 << 20]).unwrap();
    let server = Server::start(&data, &[("millstream.state.memory.bytes", "4000000")]);
    ksql(
        &server.url,
        "CREATE STREAM s (k INT KEY, n INT, text VARCHAR) WITH (kafka_topic='s', value_format='json', partitions=2);
         CREATE TABLE t AS SELECT n AS m, COUNT(*) AS c, SUM(n) AS total, MAX(text) AS text FROM s GROUP BY n;",
        &json!({"auto.offset.reset": "earliest"}),
    );
    let mut acknowledged = Vec::new();
    for n in 1.. {
        let (status, said) = insert(&server.url, n, 200_000);
        if status != 200 {
            assert!(status == 500 && said.contains("disk is full"), "{said}");
            break;
        }
        acknowledged.push(n);
    }
    // The queries, too, have no room.
    std::thread::sleep(Duration::from_secs(2));
    eventually("the server is not well", || (health(&server.url)["isHealthy"] == false).then_some(()));
    remove_file(filler).unwrap();
    eventually("the server is well again", || (health(&server.url)["isHealthy"] == true).then_some(()));
    check(&server.url, &acknowledged);
    server.kill();
    let server = Server::start(&data, &[]);
    check(&server.url, &acknowledged);
}

/// Opens connections that send nothing, as many as the server takes.
fn hold_connections(url: &str, count: usize) -> Vec<TcpStream> {
    let address: std::net::SocketAddr = url.trim_start_matches("http://").parse().unwrap();
    (0..count).filter_map(|_| TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()).collect()
}

fn open_files(server: &Server) -> usize {
    std::fs::read_dir(Path::new("/proc").join(server.pid().to_string()).join("fd")).unwrap().count()
}

#[test]
fn a_dozen_queries_run_with_64_file_descriptors() {
    let data = tempfile::tempdir().unwrap();
    let (server, mut stderr) = Server::start_limited(data.path(), &[], "-n 64");
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    ksql(&server.url, STATEMENTS, &json!({"auto.offset.reset": "earliest"}));
    for i in 0..12 {
        let statement = format!("CREATE STREAM s{i} AS SELECT k, n + {i} AS n FROM s;");
        ksql(&server.url, &statement, &json!({"auto.offset.reset": "earliest"}));
    }
    let mut acknowledged = Vec::new();
    for n in 1..=40 {
        assert_eq!(insert(&server.url, n, 10).0, 200);
        acknowledged.push(n);
    }
    check(&server.url, &acknowledged);
    for i in 0..12 {
        let all = || (rows(&server.url, &format!("SELECT n FROM s{i};"), &json!({})).len() == 40).then_some(());
        eventually("every query has read all of it", all);
    }
    assert!(open_files(&server) < 50, "{} files are open", open_files(&server));
    // Nothing is left for files; then all is as before.
    let held = hold_connections(&server.url, 80);
    std::thread::sleep(Duration::from_secs(1));
    drop(held);
    for n in 41..=60 {
        eventually("rows are taken again", || (insert(&server.url, n, 10).0 == 200).then_some(()));
        acknowledged.push(n);
    }
    eventually("the server is well", || (health(&server.url)["isHealthy"] == true).then_some(()));
    check(&server.url, &acknowledged);
    assert!(server.terminate());
}
