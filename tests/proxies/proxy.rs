//! Starting the proxies with the files of `docs/integrations/`: as they stand, but for the addresses that each file names
//! as the reader's own to change.

use std::{
    collections::HashSet,
    env, fs,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{client::Edge, runtime};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Caddy,
    Traefik,
    Envoy,
}

pub const KINDS: [Kind; 4] = [Kind::Nginx, Kind::Caddy, Kind::Traefik, Kind::Envoy];

/// What stands behind a proxy.
#[derive(Clone, Copy)]
pub struct Behind<'a> {
    pub latchkey: &'a str,
    pub origin: &'a str,
    pub service_key: &'a str,
    /// What a key needs, if it needs anything.
    pub permission: Option<&'a str>,
}

/// A running proxy. It ends with the test process, whatever ends that: its keeper waits for the end of its own input.
pub struct Proxy {
    pub kind: Kind,
    pub client: Edge,
    keeper: Child,
}

/// Runs a command in a folder until its own input ends, and then removes the folder.
const KEEPER: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
( read -r _ <&3; kill $child 2>/dev/null ) &
wait $child
: >"$KEPT/ended"
wait
rm -rf "$KEPT"
"#;

/// How often a proxy is asked whether it is there, 20 ms apart.
const PATIENCE: u32 = 1500;

impl Proxy {
    /// Starts a proxy and waits until it asks Latchkey.
    pub fn start(kind: Kind, behind: &Behind) -> Self {
        let folder = folder();
        let listen = format!("127.0.0.1:{}", free_port());
        let mut command = kind.prepare(&folder, &listen, behind);
        let log = fs::File::create(folder.join("log")).expect("a log");
        command.env("LATCHKEY_SERVICE_KEY", behind.service_key).env("KEPT", &folder).current_dir(&folder);
        command.stdout(log.try_clone().expect("the log once more")).stderr(log);
        let keeper = command.process_group(0).stdin(Stdio::piped()).spawn().expect("there is a shell");
        let mut proxy = Self { kind, client: Edge::new(&format!("http://{listen}")), keeper };
        proxy.wait(&folder);
        proxy
    }

    fn wait(&mut self, folder: &Path) {
        for _ in 0..PATIENCE {
            let gone = folder.join("ended").exists();
            let answer = if gone { None } else { self.client.try_send("GET", "/ready", &[], b"") };
            // Traefik listens before it has read what to do: until then it knows no route.
            if answer.is_some_and(|answer| answer.status != 404) {
                return;
            }
            if gone {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        panic!("{:?} did not start:\n{log}", self.kind);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

impl Kind {
    /// The files that this proxy is configured by.
    pub fn files(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx.conf"],
            Self::Caddy => &["Caddyfile"],
            Self::Traefik => &["traefik.yml", "traefik-dynamic.yml"],
            Self::Envoy => &["envoy.yaml"],
        }
    }

    /// Puts the files into the folder; the command that starts the proxy with them.
    fn prepare(self, folder: &Path, listen: &str, behind: &Behind) -> Command {
        for file in self.files() {
            let mut text = addressed(&shipped(file), self, listen, behind);
            if let Some(permission) = behind.permission {
                text = asking(&text, permission);
            }
            // nginx has a file of its own that includes those of sites.
            let name = if self == Self::Nginx { "latchkey.conf" } else { file };
            fs::write(folder.join(name), text).expect("a file");
        }
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]);
        match self {
            Self::Nginx => {
                fs::write(folder.join("nginx.conf"), NGINX).expect("a file");
                let proof = format!("proxy_set_header Latchkey-Service \"{}\";\n", behind.service_key);
                fs::write(folder.join("latchkey-service-key.conf"), proof).expect("a file");
                command.arg(nginx()).arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
            }
            Self::Caddy => {
                command.arg(wheel("bin/caddy")).args(["run", "--config", "Caddyfile"]);
                command.env("XDG_CONFIG_HOME", folder).env("XDG_DATA_HOME", folder);
            }
            Self::Traefik => {
                command.arg(wheel("bin/traefik")).arg("--configFile=traefik.yml");
            }
            Self::Envoy => {
                command.arg(wheel("envoy/_bin/envoy")).args(["-c", "envoy.yaml", "--concurrency", "1"]);
                // Else it would keep a segment of shared memory, by a number that another Envoy has too.
                command.args(["--disable-hot-restart", "--log-level", "warning"]);
            }
        }
        command
    }
}

/// What Debian's own nginx.conf does, for a folder of ours.
const NGINX: &str = "
    user root;
    daemon off;
    pid nginx.pid;
    error_log stderr;
    events {}
    http {
        access_log off;
        client_body_temp_path body;
        proxy_temp_path proxy;
        fastcgi_temp_path fastcgi;
        scgi_temp_path scgi;
        uwsgi_temp_path uwsgi;
        include latchkey.conf;
    }
";

/// A file of `docs/integrations/`.
pub fn shipped(file: &str) -> String {
    let path = runtime::root().join("docs/integrations").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The file with addresses of the test's in place of those that are the reader's own to change.
fn addressed(text: &str, kind: Kind, listen: &str, behind: &Behind) -> String {
    let port = |address: &str| address.rsplit(':').next().expect("a port").to_owned();
    let host = |address: &str| address.split(':').next().expect("a host").to_owned();
    match kind {
        Kind::Nginx | Kind::Traefik => {
            text.replace("127.0.0.1:8080", listen).replace("127.0.0.1:8787", behind.latchkey).replace("127.0.0.1:3000", behind.origin)
        }
        Kind::Caddy => text
            .replace(":8080", &format!(":{}", port(listen)))
            .replace("127.0.0.1:8787", behind.latchkey)
            .replace("127.0.0.1:3000", behind.origin),
        Kind::Envoy => [("8080", listen), ("8787", behind.latchkey), ("3000", behind.origin)].iter().fold(
            text.replace("127.0.0.1:8787\"", &format!("{}\"", behind.latchkey)),
            |text, (theirs, ours)| {
                let theirs = format!("address: 127.0.0.1, port_value: {theirs} ");
                text.replace(&theirs, &format!("address: {}, port_value: {} ", host(ours), port(ours)))
            },
        ),
    }
}

/// The file with a permission in its question, as each page says how.
fn asking(text: &str, permission: &str) -> String {
    let asked = format!("/v1/auth?permissions={permission}");
    match text.contains("/v1/auth?") {
        true => text.replace("/v1/auth?limited", &format!("{asked}&limited")).replace("/v1/auth?\n", &format!("{asked}\n")),
        // Envoy's file names it once more, where a route is matched: without a query.
        false => text.replace("path_override: /v1/auth", &format!("path_override: {asked}")).replace("/v1/auth\"", &format!("{asked}\"")),
    }
}

fn nginx() -> PathBuf {
    let mut folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    // Debian keeps it where only root's search path may lead.
    folders.push("/usr/sbin".into());
    let found = folders.iter().map(|folder| folder.join("nginx")).find(|path| path.is_file());
    found.expect("there is no nginx: `cargo xtask test` finds or installs it")
}

/// What `cargo xtask test` installed.
fn wheel(path: &str) -> PathBuf {
    let folder = env::var_os("LATCHKEY_PROXIES").expect("run `cargo xtask test`, which installs the proxies");
    PathBuf::from(folder).join(path)
}

fn folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("proxy-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A port that nobody listens on, and that no other proxy of this process was given.
fn free_port() -> u16 {
    static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get_or_insert_with(HashSet::new);
    loop {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        if given.insert(port) {
            return port;
        }
    }
}
