/** Containers of ours on the Docker engine that the tests have. */
import { execFileSync } from "node:child_process";

/** What names the engine and the image of the agent's image; `.ci/install-docker` prints both. */
export interface Docker {
    readonly host: string;
    readonly base: string;
}

/** @throws {Error} There is no engine. */
export function docker(): Docker {
    const { DOCKER_HOST: host, TESTWRIGHT_DOCKER_BASE: base } = process.env;
    if (host === undefined || base === undefined) {
        throw new Error("DOCKER_HOST and TESTWRIGHT_DOCKER_BASE are not set; .ci/install-docker prints them");
    }
    return { host, base };
}

/** Identifiers of the containers that a process has started, running or not. */
export function containersOf(pid: number): string[] {
    const format = '{{.ID}} {{.Label "testwright.pid"}}';
    const printed = execFileSync("docker", ["ps", "--all", "--filter", "label=testwright.pid", "--format", format], {
        encoding: "utf8",
        timeout: 30_000,
    });
    return printed
        .split("\n")
        .map((line) => line.split(" "))
        .filter(([, owner]) => owner?.split(":")[0] === String(pid))
        .map(([id = ""]) => id);
}
