//! Children that do as they are told, hang, die, or want too much; shells stand in for all of them.

#![cfg(unix)]

use std::time::Duration;

use tapeout_process::{Program, RunFault, Silence};

const PLENTY: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

fn shell(script: &str) -> Program {
    Program { arguments: vec!["-c".to_owned(), script.to_owned()], ..Program::new("/bin/sh") }
}

#[test]
fn what_a_program_reads_and_writes_goes_through_with_its_exit_code() {
    let finished = shell("cat; echo oops >&2; exit 3").run(b"hello", PLENTY).unwrap();
    assert_eq!((finished.code, finished.output.as_str()), (Some(3), "hello"));
    assert!(finished.how.ends_with("3: oops"), "{}", finished.how);
}

#[test]
fn a_program_that_reads_nothing_and_writes_much_ends_all_the_same() {
    let much = vec![b'x'; 1 << 20];
    let finished = shell("head -c 1000000 /dev/zero").run(&much, PLENTY).unwrap();
    assert_eq!((finished.code, finished.output.len()), (Some(0), 1_000_000));
}

/// What the shell has started holds its output open: only the end of the whole group ends this soon.
#[test]
fn a_program_out_of_time_is_ended_with_all_that_it_has_started() {
    let fault = shell("sleep 100 & sleep 100").run(b"", SHORT).unwrap_err();
    assert!(matches!(fault, RunFault::TimeLimit { limit: SHORT }), "{fault}");
}

/// What is left behind holds the error output open for much longer than the program runs.
#[test]
fn a_program_that_leaves_something_running_is_done_when_it_ends() {
    let finished = shell("sleep 100 >/dev/null & echo done").run(b"", PLENTY).unwrap();
    assert_eq!((finished.code, finished.output.as_str()), (Some(0), "done\n"));
}

/// 2.5 s are more than a program has that is let go.
#[test]
fn a_program_that_closes_its_output_has_its_whole_time() {
    let finished = shell("exec >/dev/null 2>&1; sleep 2.5; exit 5").run(b"", PLENTY).unwrap();
    assert_eq!(finished.code, Some(5));
    let fault = shell("exec >/dev/null 2>&1; sleep 100").run(b"", SHORT).unwrap_err();
    assert!(matches!(fault, RunFault::TimeLimit { limit: SHORT }), "{fault}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let fault = Program::new("/no/such/program").run(b"", PLENTY).unwrap_err();
    assert!(fault.to_string().starts_with("cannot start `/no/such/program`: "), "{fault}");
}

#[test]
fn a_signal_is_no_exit_code() {
    let finished = shell("kill -9 $$").run(b"", PLENTY).unwrap();
    assert_eq!(finished.code, None);
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_has_no_more_memory_than_it_may() {
    let script = "x=$(head -c 200000000 /dev/zero | tr '\\0' 'x'); echo ${#x}";
    let limited = Program { memory_byte: Some(100 << 20), ..shell(&format!("sleep 0.2; {script}")) };
    let finished = limited.run(b"", PLENTY).unwrap();
    assert_ne!(finished.output.trim(), "200000000", "{}", finished.how);
}

#[test]
fn lines_go_there_and_back_in_order() {
    let mut child = shell("while read line; do echo \"got $line\"; done").talk().unwrap();
    for word in ["a", "b"] {
        assert_eq!(child.ask(word, PLENTY).unwrap(), format!("got {word}"));
    }
}

#[test]
fn a_child_that_dies_or_hangs_is_silent_with_a_reason() {
    let mut dies = shell("read line; echo 'no more' >&2; exit 4").talk().unwrap();
    let Err(Silence::Died(how)) = dies.ask("x", PLENTY) else { panic!("it spoke") };
    assert!(how.ends_with("4: no more"), "{how}");
    let mut hangs = shell("sleep 100").talk().unwrap();
    assert_eq!(hangs.ask("x", SHORT), Err(Silence::TimeLimit(SHORT)));
}

/// A pipe holds 64 KiB: a line of 1 MiB waits for a child that reads.
#[test]
fn a_child_that_does_not_read_is_out_of_time() {
    let mut child = shell("sleep 100").talk().unwrap();
    assert_eq!(child.ask(&"x".repeat(1 << 20), SHORT), Err(Silence::TimeLimit(SHORT)));
}

/// It says two lines for each question, so that more and more of them wait to be heard.
#[test]
fn a_child_that_says_more_than_it_is_asked_is_found_out() {
    let mut child = shell("while read line; do echo one; echo two; done").talk().unwrap();
    let silence = (0..50).find_map(|_| child.ask("x", PLENTY).err());
    assert!(matches!(silence, Some(Silence::Unasked(_))), "{silence:?}");
}

/// 65 MiB without a line break; a line may have 64.
#[test]
fn a_line_that_does_not_end_is_not_waited_for() {
    let mut child = shell("head -c 68157440 /dev/zero; sleep 100").talk().unwrap();
    assert_eq!(child.ask("x", PLENTY), Err(Silence::TooLong(64 << 20)));
}

/// Claim: a class that works on when whoever asked is gone, and what it has started, end by themselves: killed, two seconds later.
#[test]
fn a_class_that_nobody_asks_any_more_ends() {
    use std::io::Write as _;
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::{Command, Stdio};
    use tapeout_process::PythonRole;

    let file = std::env::temp_dir().join(format!("hanging_{}.py", std::process::id()));
    std::fs::write(
        &file,
        "class Hanging:\n    def evaluate(self, design):\n        while True: __import__('time').sleep(1)\n",
    )
    .unwrap();
    let class = format!("{}:Hanging", file.display());
    let program = Program::python("python3", PythonRole::Env, &class, "{}").unwrap();
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).process_group(0).stdin(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        println!("skipped: there is no `python3`");
        return;
    };
    child.stdin.take().unwrap().write_all(b"{\"design\":{}}\n").unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    std::fs::remove_file(&file).unwrap();
}
