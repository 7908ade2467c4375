/** Makes an environment in a process of its own, as another window does: `maker.js STORAGE BUNDLED VERSION`. */
import { OwnEnvironments } from "../../src/server/environment";
import { findPython } from "../../src/server/pythons";

async function main(): Promise<void> {
    const [storage = "", bundled = "", version = ""] = process.argv.slice(2);
    const own = new OwnEnvironments({ storage, bundled, version, variables: process.env, log: () => undefined });
    const made = await own.make({
        asked: "",
        findPython: async (signal) =>
            findPython({ asked: "", first: [], shunned: [], variables: process.env, log: () => undefined, signal }),
        report: (step) => {
            console.log(step);
        },
    });
    console.log(`made ${made.folder}`);
    process.stdin.resume(); // it holds the environment until it is ended
}

if (process.argv[1] === __filename) {
    main().catch((error: unknown) => {
        console.error(error);
        process.exit(1);
    });
}
