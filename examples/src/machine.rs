//! This machine's processors and memory, as Linux tells them under `/proc`.

use std::error::Error;
use std::fs;

/// Remembers the last sample: how busy a processor is, is how much of the time since then it worked.
pub struct Machine(Vec<Ticks>);

/// What a processor did since the machine started.
#[derive(Clone, Copy, Default)]
struct Ticks {
    idle: u64,
    all: u64,
}

pub struct Sample {
    /// In percent, for each processor.
    pub busy: Vec<f32>,
    /// In bytes.
    pub memory_used: u64,
    /// In bytes.
    pub memory_total: u64,
    /// Programs that ran or wanted to, over the last minute.
    pub load: f32,
}

impl Machine {
    pub fn new() -> Result<Machine, Box<dyn Error>> {
        processors().map(Machine)
    }

    pub fn sample(&mut self) -> Result<Sample, Box<dyn Error>> {
        let ticks = processors()?;
        let pairs = ticks.iter().zip(&self.0);
        let busy = pairs.map(|(now, before)| busy(*now, *before)).collect();
        self.0 = ticks;
        let memory = fs::read_to_string("/proc/meminfo")?;
        let memory_total = kibibytes(&memory, "MemTotal:")? * 1024;
        let available = kibibytes(&memory, "MemAvailable:")? * 1024;
        let load = fs::read_to_string("/proc/loadavg")?;
        Ok(Sample {
            busy,
            memory_used: memory_total.saturating_sub(available),
            memory_total,
            load: load.split(' ').next().unwrap_or_default().parse()?,
        })
    }
}

fn busy(now: Ticks, before: Ticks) -> f32 {
    // Counters may step back when a processor is taken away and comes back.
    let all = now.all.saturating_sub(before.all);
    let idle = now.idle.saturating_sub(before.idle).min(all);
    100.0 * (all - idle) as f32 / all.max(1) as f32
}

/// Lines such as `cpu3 user nice system idle iowait irq softirq steal …`.
fn processors() -> Result<Vec<Ticks>, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/stat")?;
    let lines = stat.lines().filter_map(|line| line.strip_prefix("cpu"));
    // The first line is the sum of all, and its `cpu` has no number.
    let each = lines.filter(|line| !line.starts_with(' '));
    each.map(|line| {
        let mut ticks = Ticks::default();
        for (i, field) in line.split(' ').skip(1).take(8).enumerate() {
            let field: u64 = field.parse()?;
            ticks.all += field;
            ticks.idle += if i == 3 || i == 4 { field } else { 0 };
        }
        Ok(ticks)
    })
    .collect()
}

fn kibibytes(table: &str, name: &str) -> Result<u64, Box<dyn Error>> {
    let line = table.lines().find_map(|line| line.strip_prefix(name));
    let field = line.and_then(|line| line.split_whitespace().next());
    Ok(field
        .ok_or_else(|| format!("no {name} in /proc/meminfo"))?
        .parse()?)
}
