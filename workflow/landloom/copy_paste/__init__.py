"""Collages: pieces of real train tiles, put together so that each pixel shows the class that a mask names.

Copy and paste between tiles is a classical augmentation; here it is also what a sampler may start from in
place of pure noise, as in SDEdit (Meng et al. 2022) and semi-parametric synthesis (Qi et al. 2018).
"""
