//! Makes the JavaScript for a WebAssembly module: `glue MODULE.wasm FOLDER`.

use std::error::Error;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let [module, folder] =
        <[String; 2]>::try_from(Vec::from_iter(std::env::args().skip(1))).map_err(|_| "usage")?;
    Bindgen::new().input_path(module).nodejs(true)?.typescript(false).generate(folder)?;
    Ok(())
}
