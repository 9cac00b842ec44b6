#pragma once  // what CuPy works around is not here
