//! The page in headless Chromium.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::benchmark;
use crate::hostile::hostile;
use crate::sample::Sample;

/// The program to run: the one in the environment, or the first on the path.
fn chromium() -> PathBuf {
    if let Some(program) = std::env::var_os("CHROMIUM") {
        return program.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file())
        .expect("chromium on the path, or its place in CHROMIUM")
}

/// What a page is opened on.
#[derive(Clone, Copy, Debug)]
struct Screen {
    width: u32,
    is_dark: bool,
}

/// Shows a page in a frame as wide as the screen, which media queries take for the screen, and returns
/// what `MEASURE` finds and what the console says.
fn open(folder: &Path, page: &str, screen: Screen) -> (Value, Vec<String>) {
    let quoted = page.replace('&', "&amp;").replace('"', "&quot;");
    let host = folder.join("host.html");
    let text = format!(
        "<!doctype html><meta charset=\"utf-8\"><script>{MEASURE}</script>\
         <iframe srcdoc=\"{quoted}\" style=\"width:{}px;height:900px;border:0\" onload=\"measure(this)\"></iframe>\
         <pre id=\"found\"></pre>",
        screen.width
    );
    std::fs::write(&host, text).expect("a page");
    let mut chromium = Command::new(chromium());
    // Root, as in a container, has no sandbox and little shared memory.
    chromium.args(["--headless", "--no-sandbox", "--disable-dev-shm-usage"]);
    chromium.args([
        "--disable-gpu",
        "--hide-scrollbars",
        "--window-size=1400,1000",
    ]);
    chromium.args(["--enable-logging=stderr", "--log-level=0", "--dump-dom"]);
    if screen.is_dark {
        chromium.arg("--force-dark-mode");
    }
    let profile = folder.join("profile");
    let output = chromium
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", host.display()))
        .output()
        .expect("chromium runs");
    let (dom, log) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let found = dom.split("<pre id=\"found\">").nth(1).unwrap_or_default();
    let found = found.split("</pre>").next().unwrap_or_default();
    let found = serde_json::from_str(&found.replace("&amp;", "&"))
        .unwrap_or_else(|error| panic!("{error}: {found}\n{log}"));
    let console = log.lines().filter(|line| line.contains("CONSOLE"));
    (found, console.map(str::to_owned).collect())
}

const MEASURE: &str = r#"
function measure(frame) {
  const page = frame.contentDocument, root = page.documentElement;
  const size = e => { const r = e.getBoundingClientRect(); return [e.getAttribute("aria-labelledby").split("-" + e.classList[0])[0], r.width, r.height]; };
  const shown = [...page.querySelectorAll("svg")].map(size).filter(s => s[1] > 0 && s[2] > 0);
  const outside = [...page.querySelectorAll("svg")].flatMap(svg => {
    const box = svg.getBoundingClientRect();
    return box.width === 0 ? [] : [...svg.querySelectorAll("text")].filter(text => {
      const r = text.getBoundingClientRect();
      return r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 1 || r.bottom > box.bottom + 1;
    }).map(text => text.textContent.trim());
  });
  const small = [...page.querySelectorAll("svg text")].filter(text => {
    const r = text.getBoundingClientRect();
    return r.height > 0 && r.height < 12;
  }).map(text => text.textContent.trim());
  const hidden = [...page.querySelectorAll("pre, #origin > .table")].filter(box => box.scrollWidth > box.clientWidth + 1);
  document.getElementById("found").textContent = JSON.stringify({
    shown, outside, small, hidden: hidden.map(box => box.textContent.slice(0, 40)), scroll: root.scrollWidth, width: frame.clientWidth,
    scripts: page.querySelectorAll("script, link, img, iframe, [onload]").length, compat: page.compatMode, ground: getComputedStyle(page.body).backgroundColor,
    dot: (dot => dot && getComputedStyle(dot).fill)(page.querySelector("figure circle[fill]:not([fill=none])")),
  });
}
"#;

#[test]
#[ignore = "needs Chromium"]
fn every_figure_is_shown_and_nothing_overflows_on_a_desktop_and_a_phone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sample = Sample::all(8);
    sample.fail(
        study::Arm::NOISYTUNE,
        5,
        "training diverged: the loss of step 17 is NaN",
    );
    let written = sample
        .with(|material| report::write(folder.path(), material))
        .expect("a report");
    let page = std::fs::read_to_string(&written.html).expect("the page");
    let figures: Vec<String> = written
        .figures
        .iter()
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let mut colours = Vec::new();
    for (width, is_dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
        let screen = Screen { width, is_dark };
        let (found, console) = open(folder.path(), &page, screen);
        assert_eq!(console, [""; 0], "{screen:?}");
        assert_eq!(found["compat"], "CSS1Compat", "no quirks");
        let shown = found["shown"].as_array().expect("a list");
        let names: Vec<&str> = shown.iter().filter_map(|s| s[0].as_str()).collect();
        assert_eq!(names, figures, "{screen:?}, each once");
        for figure in shown {
            let (across, down) = (figure[1].as_f64(), figure[2].as_f64());
            assert!(across > Some(300.0) && down > Some(100.0), "{figure}");
        }
        let none = Value::Array(Vec::new());
        assert_eq!(found["width"], width, "{screen:?}");
        assert_eq!(found["scroll"], width, "the page overflows, {screen:?}");
        assert_eq!(found["outside"], none, "text is cut, {screen:?}");
        assert_eq!(found["small"], none, "text is small, {screen:?}");
        assert_eq!(
            found["hidden"], none,
            "command or settings run out, {screen:?}"
        );
        colours.push((found["ground"].clone(), found["dot"].clone()));
    }
    let (light, dark) = (&colours[0], &colours[1]);
    assert_eq!((light, dark), (&colours[2], &colours[3]));
    assert!(light.0 != dark.0 && light.1 != dark.1, "{light:?} {dark:?}");
}

#[test]
#[ignore = "needs Chromium"]
fn the_tables_of_several_tasks_fit_a_desktop_and_a_phone() {
    let folder = tempfile::tempdir().expect("a folder");
    let summary = benchmark::summary();
    let written = report::write_benchmark(folder.path(), &benchmark::material(&summary));
    let page = std::fs::read_to_string(written.expect("a page").html).expect("the page");
    for width in [1280, 390] {
        let screen = Screen {
            width,
            is_dark: false,
        };
        let (found, console) = open(folder.path(), &page, screen);
        assert_eq!(console, [""; 0], "{screen:?}");
        assert_eq!(found["scroll"], width, "the page overflows, {screen:?}");
        let none = Value::Array(Vec::new());
        assert_eq!(found["hidden"], none, "the command runs out, {screen:?}");
    }
}

#[test]
#[ignore = "needs Chromium"]
fn a_page_full_of_hostile_names_runs_nothing_and_overflows_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = hostile(3).with(|material| report::write(folder.path(), material));
    let page = std::fs::read_to_string(written.expect("a report").html).expect("the page");
    for width in [1280, 390] {
        let screen = Screen {
            width,
            is_dark: false,
        };
        let (found, console) = open(folder.path(), &page, screen);
        assert_eq!(console, [""; 0], "{screen:?}");
        assert_eq!(found["scripts"], 0, "{screen:?}");
        assert_eq!(found["scroll"], width, "the page overflows, {screen:?}");
    }
}

#[test]
#[ignore = "needs Chromium"]
fn the_browser_test_sees_errors_and_overflow() {
    let folder = tempfile::tempdir().expect("a folder");
    let page =
        "<!doctype html><div style=\"width:2000px\">wide</div><script>console.error('no')</script>";
    let (found, console) = open(
        folder.path(),
        page,
        Screen {
            width: 390,
            is_dark: false,
        },
    );
    assert_eq!(console.len(), 1, "{console:?}");
    assert_eq!(found["scripts"], 1, "{found}");
    assert!(found["scroll"].as_f64() > found["width"].as_f64());
    assert_eq!(found["shown"], Value::Array(Vec::new()));
}
