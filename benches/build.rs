//! Builds what is written in C++, if there is a compiler and Boost. If not, the program says why.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(boost)");
    println!("cargo::rerun-if-changed=boost/peer.cpp");
    let built = cc::Build::new()
        .cpp(true)
        .std("c++17")
        .opt_level(3)
        .warnings(true)
        .cargo_warnings(false)
        .file("boost/peer.cpp")
        .try_compile("boost_peer");
    match built {
        Ok(()) => println!("cargo::rustc-cfg=boost"),
        Err(_) => println!(
            "cargo::warning=Boost.Interprocess is left out: no C++ compiler, or no libboost-dev"
        ),
    }
}
