"""Pictures: charts, heat maps and diagrams as SVG, PNG and pages that need no network."""
