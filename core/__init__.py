"""Ground floor: what every package needs; it knows no contest, person or campaign."""
