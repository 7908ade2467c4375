import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import type { Window } from "../support/window";

/** Where packages come from: a folder of wheels, or what this machine's user has configured; the editor has another home. */
function index(): Record<string, string> {
    const wheels = process.env["TESTS_WHEELS"];
    if (wheels !== undefined) {
        return { PIP_CONFIG_FILE: "/dev/null", PIP_NO_INDEX: "1", PIP_FIND_LINKS: wheels };
    }
    const file = [join(homedir(), ".config", "pip", "pip.conf"), join(homedir(), ".pip", "pip.conf")].find(existsSync);
    const given = Object.entries(process.env).filter(([name]) =>
        /^(PIP_|SSL_CERT|REQUESTS_CA|https?_proxy$|no_proxy$)/i.test(name),
    );
    return {
        ...(file === undefined ? {} : { PIP_CONFIG_FILE: file }),
        ...(Object.fromEntries(given) as Record<string, string>),
    };
}

export default {
    machineSettings: { "testwright.path": "" },
    stubs: ["ms-python.python"],
    environment: index(),
} satisfies Window;
