/**
 * What goes over the wire beyond the Language Server Protocol; docs/editors.md is the reference.
 *
 * Lines and columns count from 0, URIs are strings as the protocol has them.
 */

/** Commands of the server. The language client registers each with the editor, so ours have other names. */
export const ServerCommand = {
    generate: "testwright.generateTests",
    judge: "testwright.judgeTests",
    refreshCoverage: "testwright.refreshCoverage",
    cancel: "testwright.cancelRun",
    restartBoxes: "testwright.restartBoxes",
    showReport: "testwright.showReport",
    discard: "testwright.discardTests",
    reject: "testwright.rejectTests",
    accept: "testwright.acceptTests",
    models: "testwright.models",
    consent: "testwright.consent",
    setUpAgent: "testwright.setUpAgent",
} as const;

/** Notifications of the server. */
export const FromServer = {
    coverage: "testwright/coverage",
    coverageChanged: "testwright/coverageChanged",
    runChanged: "testwright/runChanged",
    runFinished: "testwright/runFinished",
    agentChanged: "testwright/agentChanged",
} as const;

/** Notifications and requests to the server. */
export const ToServer = {
    didChangeTrust: "testwright/didChangeTrust",
    didChangeInterpreter: "testwright/didChangeInterpreter",
    coverage: "testwright/coverage",
    coverageOfAll: "testwright/coverageOfAll",
    modules: "testwright/modules",
    agent: "testwright/agent",
    status: "testwright/status",
} as const;

export type RunKind = "generate" | "judge" | "measure";

/** The answer of a command that starts a run. */
export interface RunStarted {
    readonly run: string;
    readonly status: "started" | "queued" | "already-running";
    readonly subject: string;
    /** How many runs are before it. */
    readonly waitsFor: number;
}

/** `testwright/runChanged`. */
export interface RunChanged {
    readonly run: string;
    readonly kind: RunKind;
    readonly state: "queued" | "running" | "ended";
    readonly uri: string;
    readonly symbol: string | null;
}

/**
 * `testwright/runFinished`. `status` is that of the report, `judged` or `measured`. A run whose test file was changed
 * meanwhile has `failed`, and names in `proposalUri` where its proposal is kept; so does one that was cancelled, or has
 * failed, when it had proven something by then.
 */
export interface RunFinished {
    readonly run: string;
    readonly kind: RunKind;
    readonly status: string;
    /** How the message is meant. */
    readonly severity: "info" | "warning" | "error";
    readonly subject: string;
    readonly uri: string;
    readonly testUri: string | null;
    /** One sentence for the user; empty when there is nothing to tell (a run that was cancelled). */
    readonly message: string;
    readonly report: GenerateReport | JudgeReport | null;
    readonly proposalUri?: string;
    /** What would let an agent take on what the run has left; empty as a rule. */
    readonly offers?: readonly Offer[];
}

export type Offer = "set-up-agent" | "consent";

/** `testwright/coverage`, as notification and as answer. */
export interface CoverageStatus {
    readonly uri: string;
    readonly version: number | null;
    readonly state: "known" | "unknown" | "measuring";
    /** Lines and branches pooled, 0 to 100; null when it is not known. */
    readonly percent: number | null;
    readonly line: number | null;
    readonly branch: number | null;
    readonly stale: boolean;
    readonly missingLines: readonly number[];
    readonly coveredLines: readonly number[];
    readonly branches: readonly Branch[];
    readonly tests: number;
    readonly testUri: string | null;
    readonly reason: string | null;
}

/** A jump that a module can make: from a line to a line, or out of its block when `to` is null. */
export interface Branch {
    readonly from: number;
    readonly to: number | null;
    readonly taken: boolean;
}

/** One module of the answer to `testwright/coverageOfAll {}`: what is known of all modules of the workspace. */
export interface ModuleCoverage {
    readonly uri: string;
    readonly lines: { readonly covered: number; readonly total: number };
    readonly branches: { readonly covered: number; readonly total: number };
    readonly stale: boolean;
}

/** The answer to `testwright/coverageOfAll {}`. */
export interface CoverageOfAll {
    readonly modules: readonly ModuleCoverage[];
}

/** The answer to `testwright/modules {uri}`: the modules at or below a file or folder that tests can be generated for. */
export interface Modules {
    readonly modules: readonly {
        readonly uri: string;
        /** `shop.pricing` */
        readonly name: string;
        readonly testUri: string | null;
        readonly percent: number | null;
    }[];
    /** Files that were left out, each with the reason as a sentence. */
    readonly skipped: readonly { readonly uri: string; readonly reason: string }[];
    /** Whether there were more than the server looks at. */
    readonly truncated: boolean;
    /** Seconds that a run for one of them takes at most; null where settings cannot be used. */
    readonly budget: number | null;
}

export interface CoverageFigures {
    readonly line: number;
    readonly branch: number;
    readonly percent: number;
    readonly missing_lines: readonly number[];
    readonly missing_branches: readonly (readonly [number, number])[];
}

/** What a run has asked of one model. */
export interface ModelUse {
    readonly model: string;
    readonly provider: string;
    /** All that were sent, failed ones included. */
    readonly requests: number;
    /** Those of them that were worth something. */
    readonly answers: number;
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    /** US dollars. */
    readonly cost: number;
    readonly seconds: number;
    readonly retries: number;
    /** How often each kind of fault happened. */
    readonly faults: Readonly<Record<string, number>>;
    /** `open`, `half-open` and `closed`, in the order in which they came. */
    readonly breaker: readonly string[];
}

/** The report of a generating run, as docs/report.schema.json has it; lines count from 1. */
export interface GenerateReport {
    readonly status: "written" | "nothing-to-add" | "dry-run" | "failed" | "cancelled";
    readonly success: boolean;
    readonly threshold: number;
    readonly threshold_reached: boolean;
    readonly test_file: string | null;
    readonly module: string;
    readonly path: string;
    readonly symbol: string | null;
    readonly coverage: { readonly before: CoverageFigures | null; readonly after: CoverageFigures | null };
    readonly tests: {
        /** How many tests of the file each engine has proposed; not there in a report that an earlier version has kept. */
        readonly by_engine?: Readonly<Record<string, number>>;
        readonly kept: readonly {
            readonly name: string;
            readonly target: string;
            readonly origin: string;
            readonly lines_added: readonly number[];
            readonly branches_added: readonly (readonly [number, number])[];
            /** Where its `def` is in the test file as it was written; null when that is not known. */
            readonly line: number | null;
            /** How many of the mutants that were run it notices. */
            readonly mutants_killed: number;
        }[];
        readonly discarded: readonly { readonly target: string; readonly reason: string; readonly source: string }[];
    };
    readonly seconds: Readonly<Record<string, number>>;
    readonly box: string;
    readonly interpreter: string;
    readonly python_version: string;
    readonly seed: number;
    readonly stopped_by: string | null;
    readonly diff: string;
    readonly notes: readonly string[];
    readonly error: { readonly slug: string; readonly message: string } | null;
    /** By model; empty when none was asked, and not there in a report that an earlier version has kept. */
    readonly models?: readonly ModelUse[];
}

/** The report of a judgement, as docs/judge-report.schema.json has it; lines count from 1. */
export interface JudgeReport {
    readonly status: string;
    readonly sound: boolean;
    readonly complete: boolean;
    readonly module: string;
    readonly path: string;
    readonly symbol: string | null;
    readonly test_file: string | null;
    readonly tests: readonly { readonly name: string; readonly outcome: string; readonly reason: string }[];
    readonly findings: readonly {
        readonly test: string | null;
        readonly line: number | null;
        readonly kind: string;
        readonly message: string;
    }[];
    readonly coverage: CoverageFigures | null;
    readonly mutants: {
        readonly total: number;
        readonly killed: number;
        readonly uncovered: number;
        readonly undecided: number;
        readonly not_run: number;
        readonly score: number | null;
        readonly survivors: readonly {
            readonly id: string;
            readonly line: number;
            readonly function: string;
            readonly operator: string;
            readonly change: string;
        }[];
    } | null;
    readonly seconds: Readonly<Record<string, number>>;
    readonly box: string;
    readonly interpreter: string;
    readonly python_version: string;
    readonly seed: number;
    readonly notes: readonly string[];
    readonly error: { readonly slug: string; readonly message: string } | null;
}

/** Which tests of a run are in its file, and which were taken out. */
export interface Added {
    readonly tests: readonly string[];
    readonly rejected: readonly string[];
}

/** The answer of `testwright.showReport`. */
export interface ReportShown {
    readonly run: string;
    readonly kind: RunKind;
    readonly markdown: string;
    readonly report: GenerateReport | JudgeReport;
    /** The module. */
    readonly uri: string;
    readonly testUri: string | null;
    /** Null when the run has added no tests, or an earlier server ran it: then nothing can be taken out or put back. */
    readonly added: Added | null;
}

/** The answer of `testwright.rejectTests`, `acceptTests` and `discardTests`. */
export interface Reviewed extends Added {
    readonly run: string;
    /** `waiting`: the editor asks its user before it changes the file, or takes its time. */
    readonly status: "rejected" | "accepted" | "discarded" | "waiting";
    readonly testUri: string;
    readonly message: string;
}

/** The answer of `testwright.models`. */
export interface ModelsShown {
    /** Root of the project that it is about. */
    readonly uri: string;
    readonly markdown: string;
    /** Models that would be asked, in order. */
    readonly models: readonly { readonly model: string; readonly provider: string; readonly why: string }[];
}

/** The answer of `testwright.consent`. */
export interface ConsentAnswer {
    /** Root of the project whose code it is about. */
    readonly uri: string;
    /** `asking`: the user is being asked; what comes of it is told by a message. */
    readonly status: "asking" | "given" | "withdrawn" | "missing" | "not-needed";
    /** Where the code would be sent. */
    readonly destinations: readonly string[];
    readonly message: string;
    /** All that the user is told before. */
    readonly text: string;
}

/** The answer of `testwright.setUpAgent`. */
export interface AgentSetUp {
    /** What `testwright.cancelRun` takes. */
    readonly run: string;
    /** `set-up`: it was there already. */
    readonly status: "started" | "already-running" | "set-up";
    readonly message: string;
}

/** The answer of `testwright/agent {}`: the agent of this machine. */
export interface AgentStatus {
    readonly state: "set-up" | "missing" | "setting-up";
    /** Version of its SDK; null when it is missing. */
    readonly sdk: string | null;
    /** The setting `agentBox`. */
    readonly box: string;
    /** The setting `engine`. */
    readonly engine: string;
    /** Its image in Docker; null without one. */
    readonly image: string | null;
    /** The same as a sentence. */
    readonly message: string;
}

/** `testwright/agentChanged`: its set-up has begun, or ended. */
export interface AgentChanged {
    readonly state: AgentStatus["state"];
    /** One sentence for the user, and how it is meant; empty when there is nothing to tell. */
    readonly message: string;
    readonly severity: "info" | "warning" | "error";
}

/** The answer of `testwright/status`. */
export interface ServerStatus {
    readonly version: string;
    readonly python: string;
    readonly trusted: boolean;
    readonly folders: readonly string[];
    readonly runs: readonly {
        readonly run: string;
        readonly kind: RunKind;
        readonly state: string;
        readonly uri: string;
    }[];
}
