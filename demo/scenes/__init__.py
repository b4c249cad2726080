"""The acts of the demo, one module each; each raises ClaimFailed where something claimed is not observed."""
