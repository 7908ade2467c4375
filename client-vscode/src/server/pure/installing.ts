/** What pip is told, what it is doing, and what its errors mean. */

/**
 * Options of the user's own pip that would make it install something else. They are set to nothing, which pip takes for
 * "not given"; indexes, proxies and certificates stay the user's. Where it installs, {@link pipArguments} say.
 */
const NOT_FOR_US = ["CONSTRAINT", "DRY_RUN", "EDITABLE", "NO_BINARY", "PYTHON", "REQUIREMENT", "REQUIRE_VIRTUALENV"];

/** Variables of Python itself that would change what an interpreter is. */
const OF_PYTHON = ["PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV"];

type Variables = Readonly<Record<string, string | undefined>>;

/** The environment of a Python that must be itself, whatever the editor was started with. */
export function plainVariables(variables: Variables): Record<string, string | undefined> {
    const left = { ...variables };
    for (const name of OF_PYTHON) {
        // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a variable must be absent, not empty
        delete left[name];
    }
    return left;
}

/** The environment of pip. */
export function pipVariables(variables: Variables): Record<string, string | undefined> {
    return {
        ...plainVariables(variables),
        ...Object.fromEntries(NOT_FOR_US.map((name) => [`PIP_${name}`, ""])),
        PIP_NO_INPUT: "1", // nobody could answer
        // Without a second try pip does not tell that there was no connection, only that it has found nothing.
        PIP_RETRIES: variables["PIP_RETRIES"] === "0" ? "1" : (variables["PIP_RETRIES"] ?? "2"),
        PIP_DISABLE_PIP_VERSION_CHECK: "1",
        PYTHONIOENCODING: "utf-8",
        LC_MESSAGES: "C",
    };
}

/**
 * What pip installs, and where. Every file must have the hash that is written in the requirements.
 *
 * @param folder The environment's. It is named although pip is told to work in it: a configuration file of the user's may
 *     name another, and only the command line is stronger.
 */
export function pipArguments(requirements: string, folder: string): string[] {
    return [
        "install",
        "--require-hashes",
        "--only-binary=:all:",
        ...["--no-user", "--target=", "--root=/", `--prefix=${folder}`],
        "--no-warn-script-location",
        "--progress-bar=off",
        `--requirement=${requirements}`,
    ];
}

/**
 * The requirements with the wheel among them, so that one call of pip installs all.
 *
 * @param url The wheel as a `file:` URL.
 * @param sha256 Its hash, hexadecimal.
 */
export function withWheel(requirements: string, url: string, sha256: string): string {
    return `${requirements.trimEnd()}\ntestwright @ ${url} --hash=sha256:${sha256}\n`;
}

/** How many distributions the requirements name, those for other systems counted too. */
export function countRequirements(requirements: string): number {
    return requirements.split("\n").filter((line) => /^[A-Za-z0-9]/.test(line)).length;
}

/** What a line of pip's output tells a person who waits; undefined for all that does not. */
export function stepOf(line: string, done: number, total: number): string | undefined {
    // Files of an index in a folder are "processed", others "collected".
    const found = /^(?:Collecting ([\w.-]+)|Processing (?:.*[/\\])?(\w[\w.]*)-\d\S*\.whl)/.exec(line);
    if (found !== null) {
        return `fetching ${found[1] ?? found[2] ?? ""} (${Math.min(done + 1, total)} of ${total})`;
    }
    return line.startsWith("Installing collected packages") ? "installing" : undefined;
}

/** Why pip could not do it. */
export type Failure = "offline" | "certificate" | "proxy" | "missing" | "hash" | "space" | "permission" | "unknown";

const SIGNS: readonly (readonly [Failure, RegExp])[] = [
    ["hash", /THESE PACKAGES DO NOT MATCH THE HASHES/],
    ["space", /No space left on device|Disk quota exceeded|\[Errno (28|122)\]/],
    ["certificate", /CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|TLS CA certificate bundle/],
    ["proxy", /ProxyError|Cannot connect to proxy|407 Proxy Authentication/],
    [
        "offline",
        new RegExp(
            [
                "NewConnectionError",
                "ConnectTimeout",
                "ReadTimeout",
                "Read timed out",
                "NameResolutionError",
                "Temporary failure in name resolution",
                "Network is unreachable",
                "No route to host",
                "Connection refused",
                "ConnectionResetError",
                "RemoteDisconnected",
                "Max retries exceeded",
                "getaddrinfo failed",
                "nodename nor servname",
            ].join("|"),
        ),
    ],
    ["permission", /Permission denied|\[Errno 13\]|Read-only file system/],
    ["missing", /No matching distribution found|Could not find a version that satisfies/],
];

export function failureOf(output: string): Failure {
    return SIGNS.find(([, sign]) => sign.test(output))?.[0] ?? "unknown";
}

/** Which distribution it was that no file was found of, if it was that. */
function missingOne(output: string): string | undefined {
    return /No matching distribution found for ([^\s(;]+)/.exec(output)?.[1];
}

/** What happened, why, and the next step. */
export function failureText(failure: Failure, output: string, python: string): string {
    const begin = "Testwright could not set up its Python environment";
    switch (failure) {
        case "offline":
            return `${begin}: the package index cannot be reached. Check the network, and the proxy or index that pip is configured with.`;
        case "proxy":
            return `${begin}: the proxy does not let pip through. Check HTTPS_PROXY or pip's configuration.`;
        case "certificate":
            return `${begin}: the package index's certificate is not trusted. If your network has a certificate of its own, name it in pip's configuration (cert).`;
        case "missing":
            return `${begin}: the package index has no ${missingOne(output) ?? "file"} for ${python}. Check the index that pip is configured with, or name another Python in the setting testwright.server.python.`;
        case "hash":
            return `${begin}: a package from the index is not the one that was expected (its hash differs). Nothing of it was installed. Check the index that pip is configured with.`;
        case "space":
            return `${begin}: the disk is full. It needs about 100 MB.`;
        case "permission":
            return `${begin}: the editor's storage folder, or pip's cache, cannot be written.`;
        case "unknown":
            return `${begin}: pip failed. What it said is in the log.`;
    }
}
