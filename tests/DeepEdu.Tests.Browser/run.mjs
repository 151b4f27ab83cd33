// node run.mjs FOLDER_OF_THE_FRAMEWORK ARGUMENTS: the program, in node 20.19 or later
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const { dotnet } = await import(pathToFileURL(resolve(process.argv[2], 'dotnet.js')).href);
const { runMain } = await dotnet.withApplicationArguments(...process.argv.slice(3)).create();
process.exit(await runMain());
