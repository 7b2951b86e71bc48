//! Starting the simulator for a design, and what is made of the ways in which it may end.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tapeout_core::{Design, DesignSpace, EvalError, Outcome};
use tapeout_process::{Conversation, Ended, Program, RunFault, Silence};

use super::answer::{Answers, NoOutcome};
use super::declaration::{CommandText, DesignTo, Mode, On, settings};
use super::placeholders::{Argument, DESIGN_FILE, FOLDER};

/// The rule of a design that took too long. Reserved: a simulator that says it itself means the same.
const TIMED_OUT: &str = "timed_out";
/// The rule of a design on which the simulator dies.
const CRASHED: &str = "crashed";
/// The file in which a design is handed over.
const DESIGN_JSON: &str = "design.json";

/// How long a process may take until it has heard its greeting. Ours: an interpreter with large libraries, from a cold disk.
const GREETING: Duration = Duration::from_secs(120);

/// A simulator, ready to be asked.
pub(super) struct Runner {
    program: Program,
    arguments: Vec<Argument>,
    command: CommandText,
    answers: Answers,
    limit: Duration,
    /// Where each design has a folder.
    folders: Option<PathBuf>,
    /// What a process that lives on is asked before its first design, which takes longer than a design, and what it has to answer.
    greeting: Option<(&'static str, String)>,
    /// Processes that live on and have nothing to do.
    idle: Mutex<Vec<Conversation>>,
}

/// Why a design came to no answer.
enum Fault {
    /// It took longer than it may.
    TimedOut(String),
    /// The process died; another attempt may do better.
    Crashed(String),
    /// Nothing that another attempt would mend.
    Failed(EvalError),
}

impl Runner {
    /// A simulator whose file lies in the folder `home`, from where relative paths lead.
    ///
    /// # Errors
    /// What is wrong with the command.
    pub(super) fn new(
        command: CommandText,
        answers: Answers,
        space: &DesignSpace,
        home: &Path,
    ) -> Result<Self, String> {
        let (name, arguments) =
            command.run.split_first().ok_or("`command.run` is empty, expected a program")?;
        let limit = limit(&command).map_err(|error| format!("`command.timeout_s` {error}"))?;
        let needs_folders =
            command.design == DesignTo::File || command.answer_file.is_some() || command.keep_folders;
        if needs_folders && command.folders.is_none() {
            return Err(
                "`command.folders` is missing: designs or answers in files need a folder each".to_owned()
            );
        }
        if command.mode == Mode::Lines && (command.folders.is_some() || command.design != DesignTo::Stdin) {
            return Err(
                "`command.mode` is \"lines\": designs go to the standard input, and there are no folders"
                    .to_owned(),
            );
        }
        if command.mode == Mode::Lines && !answers.are_json() {
            return Err("`command.mode` is \"lines\": answers are lines of JSON, with no `pattern`, `factor` or `[infeasible]`"
                .to_owned());
        }
        if command.memory_mib.is_some() && !Program::can_limit_memory() {
            return Err("`command.memory_mib` is given, but memory can be limited on Linux only".to_owned());
        }
        let home = if home.as_os_str().is_empty() { Path::new(".") } else { home };
        let home = fs::canonicalize(home).map_err(|error| format!("cannot be found: {error}"))?;
        let has_folder = command.folders.is_some();
        let arguments = arguments.iter().map(|text| Argument::read(text, space, has_folder));
        let arguments =
            arguments.collect::<Result<Vec<_>, _>>().map_err(|error| format!("`command.run`: {error}"))?;
        if command.mode == Mode::Lines && arguments.iter().any(|argument| !argument.is_plain()) {
            return Err(
                "`command.run` names parameters, but in mode \"lines\" a process serves many designs"
                    .to_owned(),
            );
        }
        // A name without folders is looked for where programs are; a path leads from the file.
        let path =
            if Path::new(name).components().count() > 1 { home.join(name) } else { PathBuf::from(name) };
        let memory_byte = command.memory_mib.map(|mib| mib.saturating_mul(1 << 20));
        let folders = command.folders.as_ref().map(|folders| home.join(folders));
        let program = Program { folder: Some(home), memory_byte, ..Program::new(path) };
        let (greeting, idle) = (None, Mutex::default());
        Ok(Self { program, arguments, command, answers, limit, folders, greeting, idle })
    }

    /// A program whose processes live on and are greeted, the first of which is `first`. `greeting`: the question, and what that one has
    /// answered.
    ///
    /// # Errors
    /// What is wrong with the time limit.
    pub(super) fn greeted(
        program: Program,
        command: CommandText,
        answers: Answers,
        greeting: (&'static str, String),
        first: Conversation,
    ) -> Result<Self, String> {
        let limit = limit(&command)?;
        let arguments = program.arguments.iter().cloned().map(Argument::plain).collect();
        let (folders, greeting, idle) = (None, Some(greeting), Mutex::new(vec![first]));
        Ok(Self { program, arguments, command, answers, limit, folders, greeting, idle })
    }

    /// What the simulator says of a design.
    ///
    /// # Errors
    /// [`EvalError`] if it cannot be asked, or its answer cannot be read.
    pub(super) fn evaluate(&self, space: &DesignSpace, design: &Design) -> Result<Outcome, EvalError> {
        let mut attempt = 0;
        loop {
            let answered = match self.command.mode {
                Mode::Process => self.run(space, design),
                Mode::Lines => self.ask(space, design),
            };
            match answered {
                Ok(outcome) => return Ok(outcome),
                Err(Fault::Crashed(_)) if attempt < self.command.retries => attempt += 1,
                Err(Fault::Crashed(how)) => {
                    let times = if attempt == 0 { String::new() } else { format!(" {} times", attempt + 1) };
                    return given_up(
                        self.command.on_crash,
                        CRASHED,
                        format!("the simulator died{times}: {how}"),
                    );
                }
                Err(Fault::TimedOut(how)) => return given_up(self.command.on_timeout, TIMED_OUT, how),
                Err(Fault::Failed(error)) => return Err(error),
            }
        }
    }

    /// A process for this design.
    fn run(&self, space: &DesignSpace, design: &Design) -> Result<Outcome, Fault> {
        let mut settings = settings(space, design.levels());
        let mut program = self.program.clone();
        let text = Json::Object(settings.clone()).to_string();
        let folder =
            self.folders.as_ref().map(|folders| own_folder(folders, space.rank(design))).transpose()?;
        if let Some(folder) = &folder {
            let file = folder.join(DESIGN_JSON);
            if self.command.design == DesignTo::File {
                fs::write(&file, &text).map_err(|error| unusable(&file, error))?;
            }
            settings.insert(DESIGN_FILE.to_owned(), json!(file));
            settings.insert(FOLDER.to_owned(), json!(folder));
            program.folder = Some(folder.clone());
        }
        program.arguments = self.arguments.iter().map(|argument| argument.fill(&settings)).collect();
        let input = if self.command.design == DesignTo::Stdin { text.as_bytes() } else { b"" };
        let finished = program.run(input, self.limit);
        let outcome = self.outcome(finished, folder.as_deref());
        if let Some(folder) = folder.filter(|_| !self.command.keep_folders) {
            fs::remove_dir_all(&folder).map_err(|error| unusable(&folder, error))?;
        }
        outcome
    }

    fn outcome(&self, finished: Result<Ended, RunFault>, folder: Option<&Path>) -> Result<Outcome, Fault> {
        let finished = finished.map_err(|fault| match fault {
            RunFault::TimeLimit { .. } => Fault::TimedOut(fault.to_string()),
            _ => Fault::Failed(EvalError::new(fault.to_string())),
        })?;
        let answer_file =
            folder.zip(self.command.answer_file.as_ref()).map(|(folder, name)| folder.join(name));
        let text = match answer_file.filter(|_| finished.code == Some(0)) {
            Some(path) => tapeout_input::read_text(&path).map_err(|error| unusable(&path, error))?,
            None => finished.output,
        };
        if let Some(broken) = self.answers.broken_rule(finished.code, &text) {
            return Ok(broken);
        }
        if finished.code != Some(0) {
            return Err(Fault::Crashed(finished.how));
        }
        self.answers.of_text(&text).map_err(|message| Fault::Failed(EvalError::new(message)))
    }

    /// A process that lives on.
    fn ask(&self, space: &DesignSpace, design: &Design) -> Result<Outcome, Fault> {
        let idle = || self.idle.lock().expect("invariant: nobody panics with the list in hand");
        // Those of a parent, of which this process is a fork, are not to be had.
        let process = std::iter::from_fn(|| idle().pop()).find(Conversation::is_ours);
        let mut process = match process {
            Some(process) => process,
            None => self.start()?,
        };
        let question = json!({ "design": settings(space, design.levels()) }).to_string();
        let line = process.ask(&question, self.limit).map_err(fault)?;
        let outcome = self.answers.of_line(&line);
        // One that has talked nonsense may do so again.
        if !matches!(outcome, Err(NoOutcome::Nonsense(_))) {
            idle().push(process);
        }
        outcome.map_err(|none| Fault::Failed(EvalError::new(none.into_message())))
    }

    /// A process that lives on.
    fn start(&self) -> Result<Conversation, Fault> {
        let arguments = self.arguments.iter().map(|argument| argument.fill(&serde_json::Map::new()));
        let program = Program { arguments: arguments.collect(), ..self.program.clone() };
        let started = program.talk().map_err(|error| Fault::Failed(EvalError::new(error.to_string())));
        let mut process = started?;
        if let Some((greeting, expected)) = &self.greeting {
            let answer = greet(&mut process, greeting).map_err(|silence| match fault(silence) {
                // No design was asked about.
                Fault::TimedOut(how) => {
                    Fault::Failed(EvalError::new(format!("the start of a process: {how}")))
                }
                other => other,
            })?;
            if answer != *expected {
                return Err(Fault::Failed(EvalError::new(changed(&answer))));
            }
        }
        Ok(process)
    }
}

/// What a process answers that is greeted.
///
/// # Errors
/// [`Silence`] if it does not answer.
pub(super) fn greet(process: &mut Conversation, greeting: &str) -> Result<String, Silence> {
    process.ask(greeting, GREETING)
}

/// What a process says that answers its greeting otherwise than the first.
fn changed(answer: &str) -> String {
    let complaint = serde_json::from_str::<Json>(answer).ok();
    match complaint.as_ref().and_then(|said| said["error"].as_str()) {
        Some(said) => format!("the start of a process: it says: {said}"),
        None => "the start of a process: it declares other designs or metrics than the first did".to_owned(),
    }
}

fn fault(silence: Silence) -> Fault {
    match silence {
        Silence::TimeLimit(_) => Fault::TimedOut(silence.to_string()),
        Silence::Died(how) => Fault::Crashed(how),
        Silence::Unasked(_) | Silence::TooLong(_) => Fault::Failed(EvalError::new(silence.to_string())),
    }
}

/// The time limit of a design, or what is wrong with it.
fn limit(command: &CommandText) -> Result<Duration, String> {
    let limit = Duration::try_from_secs_f64(command.timeout_s).ok().filter(|limit| !limit.is_zero());
    limit.ok_or_else(|| format!("is {}, expected a number of seconds above 0", command.timeout_s))
}

fn given_up(on: On, rule: &str, how: String) -> Result<Outcome, EvalError> {
    match on {
        On::Infeasible => Ok(Outcome::infeasible(rule, 1.0)),
        On::Stop => Err(EvalError::new(how)),
    }
}

fn unusable(path: &Path, error: std::io::Error) -> Fault {
    Fault::Failed(EvalError::caused_by(format!("{}: cannot be used", path.display()), error))
}

/// A folder for the design of this rank that nobody has; one that is evaluated again gets another.
fn own_folder(folders: &Path, rank: u128) -> Result<PathBuf, Fault> {
    fs::create_dir_all(folders).map_err(|error| unusable(folders, error))?;
    for number in 1u64.. {
        let name = if number == 1 { format!("design-{rank}") } else { format!("design-{rank}-{number}") };
        let folder = folders.join(name);
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unusable(&folder, error)),
        }
    }
    unreachable!("invariant: no disk holds every number")
}
