#!/usr/bin/env node
import { main } from "./main";

// The reader of our output may go away (`| head`): that is no reason for a stack trace.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

process.exit(await main(process.argv.slice(2)));
