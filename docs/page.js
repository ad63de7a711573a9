// What the pages do beyond being read. All of it is here to help: without scripts they show stills, tables and titles.

import { start } from "./address.js?6a6fa09399";
import { follow } from "./contents.js?6a6fa09399";
import { watch } from "./figure.js?6a6fa09399";
import "./film.js?6a6fa09399";
import "./notes.js?6a6fa09399";
import "./share.js?6a6fa09399";

if (document.getElementById("numbers")) import("./numbers.js?6a6fa09399");
follow();
start();
watch();
