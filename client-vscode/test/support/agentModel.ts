/** A model on loopback that plays an agent: `tests/support/agent_model.py`, as a process. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { ROOT, VENV_BIN, type Settings } from "./surroundings";

export interface Plays {
    /** Of the project's root, POSIX. */
    readonly testFile: string;
    readonly imports: string;
    /** Expressions, and what it believes that they are at first. */
    readonly guesses: Readonly<Record<string, string>>;
    /** After how many answers it says nothing more, conversation by conversation; later ones get all. */
    readonly hangsAfter?: readonly number[];
}

export class AgentModel {
    private constructor(
        private readonly process: ChildProcess,
        readonly baseUrl: string,
    ) {}

    static async start({ testFile, imports, guesses, hangsAfter = [] }: Plays): Promise<AgentModel> {
        const program = join(ROOT, "tests", "support", "agent_model.py");
        const hangs = hangsAfter.flatMap((answers) => ["--hangs-after", String(answers)]);
        const started = spawn(
            join(VENV_BIN, "python"),
            [program, testFile, imports, JSON.stringify(guesses), ...hangs],
            { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" } },
        );
        const [line] = (await once(started.stdout.setEncoding("utf8"), "data")) as [string];
        return new AgentModel(started, line.trim());
    }

    /** Settings of the machine by which it is asked. */
    get settings(): Settings {
        return { "testwright.modelBaseUrl": this.baseUrl, "testwright.preferredModel": "agent-model" };
    }

    async stop(): Promise<void> {
        const ended = once(this.process, "exit");
        this.process.stdin?.end();
        await ended;
    }
}
