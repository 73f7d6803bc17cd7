/* The one place that names the release. */
#ifndef VERSION_H
#define VERSION_H
#define POP3D_VERSION "0.1.0"
#endif
