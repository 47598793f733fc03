//! A program of the standard library alone: `access FOLDER` reads each `*.log` in a folder, of lines as
//! `MILLISECONDS STATUS METHOD PATH`, prints how long the requests of each path took, and writes the same as
//! `summary.csv` beside them. A line that is none ends it with code 1.

#[cfg(target_arch = "wasm32")]
mod guest;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Default)]
struct Requests {
    milliseconds: Vec<f64>,
    failed: usize,
}

impl Requests {
    /// The nearest rank.
    fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.milliseconds.len() * percent + 99) / 100;
        self.milliseconds[rank.max(1) - 1]
    }

    fn mean(&self) -> f64 {
        self.milliseconds.iter().sum::<f64>() / self.milliseconds.len() as f64
    }
}

fn logs(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut logs: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    logs.retain(|path| path.extension().map_or(false, |extension| extension == "log"));
    logs.sort();
    Ok(logs)
}

fn count(line: &str, by_path: &mut BTreeMap<String, Requests>) -> Option<()> {
    let mut words = line.split_whitespace();
    let milliseconds: f64 = words.next()?.parse().ok()?;
    let status: u16 = words.next()?.parse().ok()?;
    let method = words.next()?;
    let path = words.next()?.split('?').next()?;
    let requests = by_path.entry(format!("{} {}", method, path)).or_default();
    requests.milliseconds.push(milliseconds);
    requests.failed += usize::from(status >= 500);
    Some(())
}

fn summarize(folder: &Path) -> Result<String, String> {
    let mut by_path = BTreeMap::new();
    for log in logs(folder).map_err(|error| error.to_string())? {
        let name = log.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&log).map_err(|error| format!("{}: {}", name, error))?;
        for (number, line) in text.lines().enumerate() {
            count(line, &mut by_path).ok_or_else(|| format!("{}:{}: {:?} is no request", name, number + 1, line))?;
        }
    }
    let mut csv = String::from("request,count,failed,mean,p50,p99\n");
    for (path, requests) in by_path.iter_mut() {
        requests.milliseconds.sort_by(f64::total_cmp);
        csv += &format!(
            "{},{},{},{:.3},{:.1},{:.1}\n",
            path,
            requests.milliseconds.len(),
            requests.failed,
            requests.mean(),
            requests.percentile(50),
            requests.percentile(99)
        );
    }
    fs::write(folder.join("summary.csv"), &csv).map_err(|error| error.to_string())?;
    Ok(csv)
}

fn program() -> i32 {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_string());
    match summarize(Path::new(&folder)) {
        Ok(csv) => {
            print!("{}", csv);
            0
        }
        Err(why) => {
            eprintln!("access: {}", why);
            1
        }
    }
}

/// A result without a value: 0 where all went well.
#[cfg(target_arch = "wasm32")]
#[export_name = "wasi:cli/run@0.2.12#run"]
pub extern "C" fn run() -> i32 {
    program()
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    std::process::exit(program());
}
