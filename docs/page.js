
import { start } from "./address.js?1f452ed058";
import "./contents.js?1f452ed058";
import { watch } from "./figure.js?1f452ed058";
import "./film.js?1f452ed058";
import "./notes.js?1f452ed058";
import "./share.js?1f452ed058";

if (document.getElementById("numbers")) import("./numbers.js?1f452ed058");
start();
watch();
