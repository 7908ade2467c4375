/** Setting up the agent, which takes on what the embedded engine has left. */
import type { Parts } from "./commands";
import { isUri, needTrust } from "./target";

/** Set it up; of a module that was given the tests may be generated again afterwards. */
export async function prepareAgent({ agent }: Parts, ...given: unknown[]): Promise<void> {
    needTrust();
    await agent.setUp(isUri(given[0]) ? given[0] : undefined);
}
