//! `schema --as`: what it prints compiles, and fits what programs write.

use std::path::Path;
use std::process::Command;

use shmem_core::{FixedStr, Shared};
use tests::{Cleanup, Engine, TempDir};

#[expect(dead_code, reason = "other tests use the rest")]
mod common;
use common::{json, out};

#[derive(Shared, Clone, Copy)]
#[repr(i16)]
enum Mood {
    Bad = -300,
    Good = 1,
}

/// Names that are words of other languages, and all kinds of types.
#[derive(Shared, Clone, Copy)]
#[repr(C)]
struct Odd {
    wide: u128,
    r#type: Mood,
    int: i16,
    letter: char,
    #[shared(name = "two words")]
    renamed: u64,
    pairs: [[Pair; 2]; 3],
    list: shmem_core::FixedVec<FixedStr<4>, 2>,
    maybe: shmem_core::FixedOption<Pair>,
    port: Option<core::num::NonZeroU32>,
    _pad: [u8; 20],
}

#[derive(Shared, Clone, Copy)]
#[repr(C)]
struct Pair(u32, f32);

fn odd() -> Odd {
    // All zero is a value, but for the enum.
    Odd {
        wide: 1 << 100,
        r#type: Mood::Bad,
        int: 1,
        letter: 'x',
        renamed: 7,
        pairs: [[Pair(1, 2.0); 2]; 3],
        list: shmem_core::FixedVec::from([FixedStr::literal("ab")]),
        maybe: shmem_core::FixedOption::some(Pair(3, 4.0)),
        port: None,
        _pad: [0; 20],
    }
}

mod growing {
    use shmem_core::Shared;

    #[derive(Shared, Clone, Copy)]
    #[repr(C)]
    #[shared(reserve = 64)]
    pub(crate) struct Health {
        pub(crate) beats: u64,
        pub(crate) failed: u32,
        pub(crate) _pad: [u8; 4],
    }

    pub(crate) mod newer {
        use super::Shared;

        #[derive(Shared, Clone, Copy)]
        #[repr(C)]
        #[shared(reserve = 64)]
        pub(crate) struct Health {
            pub(crate) beats: u64,
            pub(crate) failed: u32,
            pub(crate) limit: u8,
            pub(crate) _pad: [u8; 3],
            pub(crate) load: f64,
        }
    }
}

/// What the generated program reads is what this one wrote: each kind of object, opened by its own definition.
#[test]
fn definitions_for_other_languages_compile_and_fit() {
    use std::sync::atomic::AtomicU32;

    #[derive(Shared, Default)]
    #[repr(C)]
    #[shared(in_place)]
    struct Stats {
        requests: AtomicU32,
        limit: u32,
    }

    let directory = TempDir::new("cli-definitions");
    let names: Vec<_> = (0..6).map(|_| Cleanup::new("cli-definition")).collect();
    let _engine = Engine::create(&*names[0], Engine::sample()).unwrap();
    let _odd = Odd::create(&*names[1], odd()).unwrap();
    let _array = Pair::create_array(&*names[2], 3, Pair(5, 6.0)).unwrap();
    let old = growing::Health {
        beats: 1,
        failed: 2,
        _pad: [0; 4],
    };
    let _old = growing::Health::create(&*names[3], old).unwrap();
    let new = growing::newer::Health::open(&*names[3]).unwrap();
    new.update(|health| (health.limit, health.load) = (3, 0.5))
        .unwrap();
    let _stats = Stats::create(&*names[4], Stats::default()).unwrap();
    let _number = <[u16; 2]>::create(&*names[5], [1, 2]).unwrap();

    let mut modules = String::new();
    let mut calls = String::new();
    let mut headers = String::new();
    for (i, name) in names.iter().enumerate() {
        let rust = out(&["schema", name, "--as", "rust"]);
        modules += &format!(
            "mod m{i} {{\n{}\n}}\n",
            rust.lines()
                .filter(|line| !line.starts_with("//!"))
                .collect::<Vec<_>>()
                .join("\n")
        );
        calls += &format!("    m{i}::open().unwrap();\n");
        // Two headers may define types of one name, so each is compiled alone.
        let header = directory.path().join(format!("m{i}.h"));
        std::fs::write(&header, out(&["schema", name, "--as", "c"])).unwrap();
        headers = format!("#include \"m{i}.h\"\nint main(void) {{ return 0; }}\n");
        std::fs::write(directory.path().join(format!("m{i}.c")), &headers).unwrap();
        std::fs::write(
            directory.path().join(format!("m{i}.py")),
            out(&["schema", name, "--as", "python"]),
        )
        .unwrap();
        let json = json(&["schema", name]);
        assert!(json["schema"]["size"].as_u64().unwrap() > 0);
    }
    assert!(!headers.is_empty());
    let main = format!(
        "#![deny(warnings)]\n#![allow(dead_code)]\n{modules}\nfn main() {{\n{calls}\
         let engine = m0::open().unwrap().load().unwrap();\n\
         println!(\"{{}} {{:?}} {{:?}} {{}}\", engine.tick, engine.gear, engine.laps, engine.driver);\n\
         println!(\"{{:?}}\", m1::open().unwrap().load().unwrap().pairs[2][1].1);\n\
         println!(\"{{:?}}\", m2::open().unwrap().load_at(2).unwrap().0);\n\
         println!(\"{{:?}}\", m3::open().unwrap().load().unwrap().load);\n}}\n"
    );
    let package = directory.path().join("package");
    std::fs::create_dir_all(package.join("src")).unwrap();
    std::fs::write(package.join("src/main.rs"), &main).unwrap();
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shmem-core");
    std::fs::write(
        package.join("Cargo.toml"),
        format!("[package]\nname = \"generated\"\nedition = \"2024\"\n[dependencies]\nshmem-core = {{ path = {core:?} }}\n[workspace]\n"),
    )
    .unwrap();
    std::fs::copy(core.join("../Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated"))
        .current_dir(&package)
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{main}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "7 First [61, 59] ada\n2.0\n5\n0.5\n"
    );

    run_if_there(&directory, "gcc", |i| {
        let flags = [
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pedantic",
            "-fsyntax-only",
        ];
        flags
            .map(str::to_owned)
            .into_iter()
            .chain([format!("m{i}.c")])
            .collect()
    });
    run_if_there(&directory, "python3", |i| {
        vec![
            "-c".to_owned(),
            format!("import m{i}; m{i}.parse(bytes(4096))"),
        ]
    });
}

/// Runs it for each definition.
fn run_if_there(directory: &TempDir, program: &str, args: impl Fn(usize) -> Vec<String>) {
    for i in 0..6 {
        let output = Command::new(program)
            .args(args(i))
            .current_dir(directory.path())
            .output();
        match output {
            Err(error) => println!("not run: {program}: {error}"),
            Ok(output) => {
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{program} {i}: {errors}");
            }
        }
    }
}
