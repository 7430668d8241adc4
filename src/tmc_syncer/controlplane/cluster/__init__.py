"""The simulated physical cluster: controllers, scheduler, kubelet, and the streams of pods, on the in-process client of a server."""
