/**
 * The parts of other extensions' APIs that tell which Python is chosen, as far as they are needed here, and the reading of
 * what they answer. Both extensions come from elsewhere and change: nothing is taken for granted of an answer.
 */
import { basename, isAbsolute, join } from "node:path";

/** Of the editor's `Uri`. */
interface Address {
    readonly fsPath: string;
}

type Listen<Change> = (listener: (change: Change) => unknown) => { dispose(): unknown };

/** `PythonEnvironmentApi` of Microsoft's Python Environments extension; see the npm package @vscode/python-environments. */
export interface EnvironmentsApi {
    getEnvironment(scope: unknown): Promise<unknown>;
    readonly onDidChangeEnvironment?: Listen<unknown>;
}

/** `PythonExtension` of Microsoft's Python extension; see the npm package @vscode/python-extension. */
export interface PythonApi {
    readonly ready?: PromiseLike<unknown>;
    readonly environments: {
        getActiveEnvironmentPath(resource: unknown): unknown;
        resolveEnvironment(path: unknown): Promise<unknown>;
        readonly onDidChangeActiveEnvironmentPath?: Listen<unknown>;
    };
}

export function isEnvironmentsApi(value: unknown): value is EnvironmentsApi {
    return typeof get(value, "getEnvironment") === "function";
}

export function isPythonApi(value: unknown): value is PythonApi {
    const environments = get(value, "environments");
    return ["getActiveEnvironmentPath", "resolveEnvironment"].every(
        (name) => typeof get(environments, name) === "function",
    );
}

/**
 * Where the executable of a `PythonEnvironment` may be, likeliest first: what runs it, unless that is another program (such
 * as conda) which takes arguments to get there; what it is named by; what its prefix holds.
 */
export function executablesOfEnvironment(environment: unknown): string[] {
    const run = get(get(environment, "execInfo"), "run");
    const args = get(run, "args");
    const executable = text(get(run, "executable"));
    const isPython = /^python|^pypy/i.test(basename(executable ?? ""));
    const hasNoArguments = args === undefined || (Array.isArray(args) && args.length === 0);
    return absolute([
        ...(isPython && hasNoArguments ? [executable] : []),
        ...programs(path(get(environment, "environmentPath"))),
        ...programs(text(get(environment, "sysPrefix"))),
    ]);
}

/** Where the executable of a `ResolvedEnvironment`, and of the `EnvironmentPath` that it was resolved from, may be. */
export function executablesOfActive(active: unknown, resolved: unknown): string[] {
    return absolute([
        path(get(get(resolved, "executable"), "uri")),
        ...programs(text(get(resolved, "path"))),
        ...programs(text(get(active, "path"))),
    ]);
}

/** The address in an event: `uri` of the one extension, `resource.uri` of the other. */
export function changedAddress(change: unknown): Address | undefined {
    const address = get(change, "uri") ?? get(get(change, "resource"), "uri");
    return path(address) === undefined ? undefined : (address as Address);
}

/** A path may be that of a program or of an environment's folder. */
function programs(at: string | undefined): string[] {
    return at === undefined ? [] : [at, join(at, "bin", "python"), join(at, "bin", "python3")];
}

function absolute(paths: readonly (string | undefined)[]): string[] {
    return [...new Set(paths.filter((one) => one !== undefined && isAbsolute(one)))] as string[];
}

function get(value: unknown, name: string): unknown {
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function text(value: unknown): string | undefined {
    return typeof value === "string" && value !== "" ? value : undefined;
}

function path(address: unknown): string | undefined {
    return text(get(address, "fsPath"));
}
