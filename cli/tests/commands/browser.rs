//! A real browser without a window, spoken to in lines of JSON: the DevTools protocol over two pipes.
//!
//! Source: Chrome DevTools Protocol, "remote debugging pipe": messages end with a zero byte, the browser reads descriptor 3 and writes
//! descriptor 4.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// Names under which Chromium and its kin are installed. `scripts/install_browser.sh` installs the first.
const NAMES: [&str; 4] = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

/// A page in a browser.
pub struct Page {
    browser: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: String,
    sent: u64,
    /// What the browser told unasked since the page was opened.
    events: Vec<Value>,
}

impl Page {
    /// Opens the file; none if no browser is installed, which is said.
    #[expect(clippy::print_stderr, reason = "a test that is passed over says so")]
    pub fn open(file: &Path) -> Option<Self> {
        let found =
            |name: &&&str| Command::new(name).arg("--version").output().is_ok_and(|it| it.status.success());
        let Some(name) = NAMES.iter().find(found) else {
            eprintln!("no Chromium is installed (scripts/install_browser.sh): the page is not opened");
            return None;
        };
        let pipes = "exec \"$0\" --headless --no-sandbox --disable-gpu --remote-debugging-pipe --window-size=1280,900 about:blank \
                     3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null";
        let mut browser = Command::new("sh")
            .args(["-c", pipes, name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the browser starts");
        let (input, output) = (browser.stdin.take().expect("piped"), browser.stdout.take().expect("piped"));
        let (session, events) = (String::new(), Vec::new());
        let mut page = Self { browser, input, output: BufReader::new(output), session, sent: 0, events };
        let target = page.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached =
            page.call("Target.attachToTarget", &json!({ "targetId": target["targetId"], "flatten": true }));
        page.session = attached["sessionId"].as_str().expect("a session has an id").to_owned();
        for domain in ["Runtime", "Log", "Network", "Page", "Accessibility"] {
            page.call(&format!("{domain}.enable"), &json!({}));
        }
        page.go_to(file);
        Some(page)
    }

    /// Opens another file in the same browser, and waits until the page says that it is ready.
    pub fn go_to(&mut self, file: &Path) {
        self.events.clear();
        self.call("Page.navigate", &json!({ "url": format!("file://{}", file.display()) }));
        let ready = "new Promise((done) => { const look = () => document.documentElement.dataset.ready ? done(true) : setTimeout(look, 20); \
                     if (document.readyState === 'complete') look(); else addEventListener('load', look); })";
        assert_eq!(self.say(ready), json!(true));
    }

    /// Calls a method, and returns its result.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.input.write_all(format!("{message}\0").as_bytes()).expect("the browser reads");
        loop {
            let mut line = Vec::new();
            self.output.read_until(0, &mut line).expect("the browser writes");
            let line = line.strip_suffix(b"\0").expect("the browser is still there");
            let answer: Value = serde_json::from_slice(line).expect("the browser writes JSON");
            if answer["id"] == json!(self.sent) {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    /// What an expression of the page comes to; a promise is waited for.
    pub fn say(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let result = self.call("Runtime.evaluate", &parameters);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// The same as a text.
    pub fn text(&mut self, expression: &str) -> String {
        self.say(expression).as_str().unwrap_or_else(|| panic!("{expression} is no text")).to_owned()
    }

    /// Does something with the mouse at a place of the window: `mouseMoved`, `mousePressed`, `mouseReleased`.
    pub fn mouse(&mut self, what: &str, at: [f64; 2]) {
        let button = if what == "mouseMoved" { "none" } else { "left" };
        let buttons = u8::from(what == "mousePressed");
        let event = json!({ "type": what, "x": at[0], "y": at[1], "button": button, "buttons": buttons, "clickCount": 1 });
        self.call("Input.dispatchMouseEvent", &event);
        self.settle();
    }

    /// Drags from one place to another.
    pub fn drag(&mut self, from: [f64; 2], to: [f64; 2]) {
        self.mouse("mouseMoved", from);
        self.mouse("mousePressed", from);
        for part in 1..=4 {
            let at = [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * f64::from(part) / 4.0);
            let event =
                json!({ "type": "mouseMoved", "x": at[0], "y": at[1], "button": "left", "buttons": 1 });
            self.call("Input.dispatchMouseEvent", &event);
            self.settle();
        }
        self.mouse("mouseReleased", to);
    }

    /// Presses a key.
    pub fn press(&mut self, key: &str, code: u32) {
        for what in ["keyDown", "keyUp"] {
            let text = if key == "Enter" && what == "keyDown" { "\r" } else { "" };
            let event =
                json!({ "type": what, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
            self.call("Input.dispatchKeyEvent", &event);
        }
        self.settle();
    }

    /// Waits until the page has drawn twice.
    pub fn settle(&mut self) {
        self.say(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))",
        );
    }

    /// What the page complained of since it was opened, and what it wanted to load beside itself.
    pub fn complaints(&mut self) -> Vec<String> {
        self.settle();
        let is_complaint = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Log.entryAdded") => true,
            Some("Runtime.consoleAPICalled") => event["params"]["type"] != "log",
            Some("Network.requestWillBeSent") => {
                let url = event["params"]["request"]["url"].as_str().unwrap_or_default();
                !url.starts_with("file:") && !url.starts_with("blob:") && !url.starts_with("data:")
            }
            _ => false,
        };
        self.events.iter().filter(is_complaint).map(ToString::to_string).collect()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.browser.kill();
        let _ = self.browser.wait();
    }
}
