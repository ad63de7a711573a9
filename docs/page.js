
import { start } from "./address.js?4f3e04e6b0";
import "./contents.js?4f3e04e6b0";
import { watch } from "./figure.js?4f3e04e6b0";
import "./film.js?4f3e04e6b0";
import "./labels.js?4f3e04e6b0";
import "./notes.js?4f3e04e6b0";
import "./share.js?4f3e04e6b0";
import "./walk.js?4f3e04e6b0";

if (document.getElementById("numbers")) import("./numbers.js?4f3e04e6b0");
start();
watch();
