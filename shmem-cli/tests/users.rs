//! Objects of several users: what `ls --all` shows to whom, and what others can do with an object by its name.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;

use serde_json::{Value as Json, json as document};
use shmem_core::{Lifetime, Shared, SharedObject};
use tests::{TempDir, alone, is_root};

mod common;
use common::{Ran, command, json, out, ran, refused, shmem};

/// Users who are not root; nobody needs to have these numbers.
const ADA: u32 = 4711;
const BOB: u32 = 4712;

/// What `shmem` says to this user.
fn shmem_as(user: u32, args: &[&str]) -> Ran {
    let mut command = command(args);
    ran(&command.uid(user).gid(user).output().unwrap())
}

/// Whether other users can be played here; says why the test does not run otherwise.
fn can(test: &str) -> bool {
    if !is_root(test) {
        return false;
    }
    let mut command = command(&["--version"]);
    let can = command.uid(ADA).gid(ADA).output();
    let can = can.is_ok_and(|output| output.status.success());
    if !can {
        println!("not run: {test}: other users do not reach the program `shmem`");
    }
    can
}

fn kept(name: &str, mode: u32, value: u32) -> SharedObject<u32> {
    let options = u32::options().lifetime(Lifetime::Keep).mode(mode);
    options.create(name, value).unwrap()
}

/// Has the user create a number.
#[track_caller]
fn kept_as(user: u32, name: &str, mode: &str, value: u32) {
    let made = kept("model", 0o600, value);
    let mut dump: Json = serde_json::from_str(&out(&["dump", "model"])).unwrap();
    drop(made);
    out(&["rm", "model"]);
    dump["create"]["mode"] = document!(mode);
    // Opened here, since the user may not reach it.
    let directory = TempDir::new("cli-users");
    let path = directory.path().join("dump.json");
    std::fs::write(&path, dump.to_string()).unwrap();
    let mut command = command(&["restore", name]);
    command.stdin(File::open(path).unwrap()).uid(user).gid(user);
    let ran = ran(&command.output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
}

/// The owner and the name of each object that a JSON list has.
fn listed(text: &str) -> Vec<(u64, String)> {
    let all: Json = serde_json::from_str(text).unwrap();
    let all = all.as_array().unwrap().iter();
    let mut all: Vec<_> = all
        .map(|info| {
            let name = info["name"].as_str().unwrap().to_owned();
            (info["owner"].as_u64().unwrap(), name)
        })
        .collect();
    all.sort();
    all
}

fn list(objects: &[(u32, &str)]) -> Vec<(u64, String)> {
    let objects = objects.iter();
    objects
        .map(|(user, name)| (u64::from(*user), (*name).to_owned()))
        .collect()
}

/// As any user.
#[test]
fn ls_all_has_the_own_objects() {
    alone(|_| {
        let _mine = kept("mine", 0o600, 1);
        let me = std::fs::metadata("/proc/self").unwrap().uid();
        let expected = list(&[(me, "mine")]);
        let (me, other) = (me.to_string(), (me + 1).to_string());
        for args in [&["ls", "--all"][..], &["ls"], &["ls", "--user", &me]] {
            let args = [args, &["--json"]].concat();
            assert_eq!(listed(&out(&args)), expected, "{args:?}");
        }
        assert_eq!(shmem(&["get", "--user", &other, "mine"]).code, 3);
    });
}

#[test]
fn ls_all_lists_what_may_be_listed() {
    alone(|_| {
        if !can("ls_all_lists_what_may_be_listed") {
            return;
        }
        let _mine = kept("same", 0o644, 1);
        let _secret = kept("secret", 0o600, 2);
        kept_as(ADA, "same", "0600", 3);
        kept_as(ADA, "open", "0644", 4);
        kept_as(BOB, "bob", "0644", 5);

        // Root lists all, and one name of two users is two objects.
        let all = list(&[
            (0, "same"),
            (0, "secret"),
            (ADA, "open"),
            (ADA, "same"),
            (BOB, "bob"),
        ]);
        assert_eq!(listed(&out(&["ls", "--all", "--json"])), all);
        assert_eq!(listed(&out(&["ls", "--json"])), all[..2]);
        assert_eq!(listed(&out(&["ls", "--user", "4711", "--json"])), all[2..4]);
        let table = out(&["ls", "--all", "same"]);
        assert_eq!(table.lines().count(), 3, "{table}");
        assert!(
            table.contains("root\n") && table.contains("4711\n"),
            "{table}"
        );

        // A user lists its own, and is told that there are others.
        let ran = shmem_as(ADA, &["ls", "--all", "--json"]);
        assert_eq!((ran.code, listed(&ran.out)), (0, all[2..4].to_vec()));
        assert!(
            ran.err
                .contains("objects of root: only by name (`--user root`)"),
            "{}",
            ran.err
        );
        assert!(
            ran.err
                .contains("objects of 4712: only by name (`--user 4712`)"),
            "{}",
            ran.err
        );
        assert!(!ran.err.contains("4711"), "{}", ran.err);
        let ran = shmem_as(ADA, &["ls", "--json"]);
        assert_eq!(
            (listed(&ran.out), ran.err.as_str()),
            (all[2..4].to_vec(), "")
        );
        let ran = shmem_as(ADA, &["ls", "--user", "root"]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    });
}

#[test]
fn others_use_an_object_by_its_name_as_far_as_they_may() {
    alone(|_| {
        if !can("others_use_an_object_by_its_name_as_far_as_they_may") {
            return;
        }
        let mine = kept("mine", 0o644, 1);
        let _secret = kept("secret", 0o600, 2);
        kept_as(ADA, "open", "0644", 4);
        kept_as(ADA, "closed", "0600", 5);

        for command in ["get", "show", "dump", "schema"] {
            for (user, of, name) in [(ADA, "root", "mine"), (BOB, "4711", "open")] {
                let ran = shmem_as(user, &[command, "--user", of, name]);
                assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{command} {name}");
            }
            for (user, of, name) in [(ADA, "root", "secret"), (BOB, "4711", "closed")] {
                let ran = shmem_as(user, &[command, "--user", of, name]);
                assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{command} {name}");
                assert!(ran.err.contains("permission"), "{}", ran.err);
            }
            // A name that nobody has is not one that is kept from us.
            assert_eq!(
                shmem_as(ADA, &[command, "--user", "root", "absent"]).code,
                3
            );
        }

        // Reading is all: neither changed nor removed.
        for args in [
            &["set", "--user", "root", "mine", "9"][..],
            &["set", "--user", "root", "--trust", "anyone", "mine", "9"],
            &["rm", "--user", "root", "mine"],
            &["rm", "--user", "root", "--force", "mine"],
        ] {
            let ran = shmem_as(ADA, args);
            assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{args:?}");
        }
        assert!(mine.is_current());
        assert_eq!((mine.load().unwrap(), mine.version().0), (1, 1));

        // Root may write them, and says that it trusts who else may.
        assert_eq!(out(&["get", "--user", "4711", "closed"]), "5\n");
        let said = refused(1, &["set", "--user", "4711", "closed", "6"]);
        assert!(said.contains("only reading is safe here"), "{said}");
        out(&["set", "--user", "4711", "--trust", "group", "closed", "6"]);
        assert_eq!(shmem_as(ADA, &["get", "closed"]).out, "6\n");
        assert_eq!(json(&["ls", "--user", "4711", "closed"])[0]["mode"], "0600");
    });
}
