import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import type { Window } from "../support/window";

/** Where packages come from, as this machine's user has configured it: the editor has another home. */
const pip = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
        value !== undefined && /^(PIP_|SSL_CERT|REQUESTS_CA|https?_proxy$|no_proxy$)/i.test(name)
            ? [[name, value]]
            : [],
    ),
);
const file = [join(homedir(), ".config", "pip", "pip.conf"), join(homedir(), ".pip", "pip.conf")].find(existsSync);

export default {
    machineSettings: { "testwright.path": "" },
    stubs: ["ms-python.python"],
    environment: { ...(file === undefined ? {} : { PIP_CONFIG_FILE: file }), ...pip },
} satisfies Window;
