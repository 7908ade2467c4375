/** Judging the tests of modules, and measuring what they cover. */
import { UserError } from "../log";
import { ServerCommand } from "../protocol";
import type { Parts } from "./commands";
import { filesOf, moduleOf } from "./target";

/** Judge the tests of the active module, or of those that a menu was opened on; from a module or its test file. */
export async function judgeModule(parts: Parts, ...given: unknown[]): Promise<void> {
    for (const file of filesOf(given, "judge its tests")) {
        const module = await moduleOf(parts.server, file);
        if (module.testUri === null) {
            throw new UserError(`${module.name} has no tests yet that could be judged. Generate some first.`, [
                {
                    label: "Generate Tests",
                    run: async () => parts.server.command(ServerCommand.generate, { uri: module.uri }),
                },
            ]);
        }
        await parts.server.command(ServerCommand.judge, { uri: module.uri });
    }
}

/** Measure what the tests of a module cover; from the module or its test file. */
export async function measureCoverage(parts: Parts, ...given: unknown[]): Promise<void> {
    for (const file of filesOf(given, "measure what its tests cover")) {
        const module = await moduleOf(parts.server, file);
        await parts.server.command(ServerCommand.refreshCoverage, { uri: module.uri });
    }
}
